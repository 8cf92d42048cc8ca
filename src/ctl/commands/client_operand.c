#include "ctl/commands/client_operand.h"

#include "address/client_name.h"
#include "ctl/commands/command_result.h"
#include "net/interface/interface.h"

#include <string.h>

static const char *parse(struct client_name *name, const char *operand)
{
    char zone[ADDR_ZONE_BYTES];
    const char *wrong = client_name_parse(name, zone, operand);
    if (wrong != NULL)
        return wrong;
    if (zone[0] != '\0' && (name->addr.scope = interface_index(zone)) == 0)
        return "no such network interface";
    return NULL;
}

/* A name without a backslash is what a person writes; one with a backslash may be what a list or
 * completion has written. */
static bool format_name(char text[CLIENT_OPERAND_BYTES], const char *operand)
{
    struct device_name name;
    const char *wrong = strchr(operand, '\\') == NULL
                            ? device_name_set(&name, operand + 1, strlen(operand + 1))
                            : device_name_parse(&name, operand + 1);
    if (wrong != NULL) {
        command_result_bad_argument("name", operand, wrong);
        return false;
    }
    text[0] = '@';
    device_name_format(&name, text + 1);
    return true;
}

bool client_operand_format(char text[CLIENT_OPERAND_BYTES], const char *operand)
{
    if (operand[0] == '@')
        return format_name(text, operand);
    struct client_name name;
    const char *wrong = parse(&name, operand);
    if (wrong != NULL)
        command_result_bad_argument("address", operand, wrong);
    else
        client_name_format(&name, text);
    return wrong == NULL;
}

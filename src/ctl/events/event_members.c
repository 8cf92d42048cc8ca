#include "ctl/events/event_members.h"

#include "address/device_name.h"
#include "ctl/output/json.h"
#include "text/number_with_unit.h"

#include <inttypes.h>
#include <stdint.h>
#include <string.h>

const char *event_members_next(struct event_member *member, char **rest, const char *last)
{
    member->name = *rest;
    char *value = strchr(*rest, '=');
    if (value == NULL)
        return "a member is not NAME=VALUE";
    *value++ = '\0';
    member->value = value;
    *rest = strcmp(member->name, last) == 0 ? NULL : strchr(value, ' ');
    if (*rest != NULL)
        *(*rest)++ = '\0';
    return NULL;
}

/* The name of a device, which may look like a number. */
static void print_name(FILE *out, const char *value)
{
    struct device_name name;
    if (device_name_parse(&name, value) == NULL)
        json_bytes(out, name.bytes, name.size);
    else
        json_string(out, value);
}

const char *event_members_print_json(FILE *out, const char *before, char *members, const char *last)
{
    struct event_member member;
    uint64_t number;
    for (char *rest = members; rest != NULL; before = ",") {
        const char *wrong = event_members_next(&member, &rest, last);
        if (wrong != NULL)
            return wrong;
        fputs(before, out);
        json_string(out, member.name);
        putc(':', out);
        if (strcmp(member.name, "name") == 0)
            print_name(out, member.value);
        else if (number_parse(member.value, 0, UINT64_MAX, &number) == NULL)
            fprintf(out, "%" PRIu64, number);
        else
            json_string(out, member.value);
    }
    return NULL;
}

#include "server/names/client_argument.h"

const char *client_argument_parse(struct client_argument *argument,
                                  const struct client_names *names, const char *text)
{
    struct device_name name;
    struct name_holder holder;
    argument->only = (struct client_filter){.is_set = false};
    if (text[0] != '@')
        return client_name_parse(&argument->address, NULL, text);
    const char *wrong = device_name_parse(&name, text + 1);
    if (wrong != NULL)
        return wrong;
    if (names == NULL)
        return "clients have no names, since clients.names is off";
    if (!client_names_find(names, &name, &holder))
        return "no client has that name";
    argument->address =
        (struct client_name){.transport = TRANSPORT_UDP, .addr = client_key_source(&holder.key)};
    argument->only = client_filter_of(&holder);
    return NULL;
}

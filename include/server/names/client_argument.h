#ifndef SERVER_NAMES_CLIENT_ARGUMENT_H
#define SERVER_NAMES_CLIENT_ARGUMENT_H

#include "address/client_name.h"
#include "registry/names/client_names.h"

/* The argument of commands about one client: its address, or @ and the name that it has given
 * itself, in the form of address/device_name. */
struct client_argument {
    struct client_name address; /* also of a name: where its client was when it got the name */
    struct client_filter only;  /* which of the clients with that source it is */
};

/* Parses an argument; names may be NULL: clients have no names. Returns NULL or why it leads to no
 * client, as the reason of a message; arguments of this form may still lead to a client that is
 * gone. */
const char *client_argument_parse(struct client_argument *argument,
                                  const struct client_names *names, const char *text);

#endif

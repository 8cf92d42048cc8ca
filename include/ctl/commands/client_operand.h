#ifndef CTL_COMMANDS_CLIENT_OPERAND_H
#define CTL_COMMANDS_CLIENT_OPERAND_H

#include "address/transport.h"

#include <stdbool.h>

/* The operand ADDRESS of commands about one client. */

enum { CLIENT_OPERAND_BYTES = TRANSPORT_TEXT_BYTES };

/* Formats an address as the server knows it: a zone becomes the index of the interface. Returns
 * false after a usage error, which it prints. */
bool client_operand_format(char text[CLIENT_OPERAND_BYTES], const char *operand);

#endif

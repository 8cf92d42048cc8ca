#ifndef CTL_COMMANDS_CLIENT_OPERAND_H
#define CTL_COMMANDS_CLIENT_OPERAND_H

#include "address/device_name.h"
#include "address/transport.h"

#include <stdbool.h>

/* The operand ADDRESS of commands about one client: its address, or @ and its name. */

enum { CLIENT_OPERAND_BYTES = 1 + DEVICE_NAME_TEXT_BYTES };
_Static_assert((int)CLIENT_OPERAND_BYTES >= (int)TRANSPORT_TEXT_BYTES, "an address fits, too");

/* Formats it as a word of a control line. In an address, a zone becomes the index of the interface;
 * a name gets the form of address/device_name, in which it may also be given. Returns
 * false after a usage error, which it prints. */
bool client_operand_format(char text[CLIENT_OPERAND_BYTES], const char *operand);

#endif

#ifndef OS_FILE_NAMES_KEY_FILE_H
#define OS_FILE_NAMES_KEY_FILE_H

#include "admission/device_key.h"

/* Files with one key in hexadecimal: that of clients.names-key-file, from which udpsrv and `udpctl
 * key` read the key that those of the devices are derived from, and that of one device, as `udpctl
 * key` prints it, for udpcli. Used before any thread is started. */

/* Why a key file was not read, and what to do about it: the WHY and NEXT of a message. */
struct names_key_file_fault {
    const char *why, *next;
};

/* Reads the key. It is refused unless it is a regular file of this process's effective user or of
 * root, with no permission for a group or others (0600 or less); both are checked on the open file,
 * so that it cannot be replaced in between. Returns 0; or -errno and sets *fault, whose strings
 * stay valid until the next call. Copies of the contents other than *key are wiped. */
int names_key_file_read(struct names_key *key, const char *path,
                        struct names_key_file_fault *fault);

/* Reads the key of a device; in all else as names_key_file_read. */
int device_key_file_read(uint8_t device_key[DEVICE_KEY_BYTES], const char *path,
                         struct names_key_file_fault *fault);

#endif

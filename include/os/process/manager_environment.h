#ifndef OS_PROCESS_MANAGER_ENVIRONMENT_H
#define OS_PROCESS_MANAGER_ENVIRONMENT_H

#include <stdbool.h>
#include <stdint.h>

/* What a service manager (systemd, or another one with its protocol) passes in environment
 * variables: sd_notify(3), sd_watchdog_enabled(3), sd_listen_fds(3). */

enum {
    /* The longest address of NOTIFY_SOCKET, its NUL included: sun_path of unix(7). */
    MANAGER_SOCKET_BYTES = 108,
    MANAGER_DESCRIPTOR_FIRST = 3, /* sd_listen_fds(3), SD_LISTEN_FDS_START */
    /* More than any configuration has listeners: 64 addresses with a socket for each of 256
     * workers, and two control sockets. */
    MANAGER_DESCRIPTORS_MAX = 64 * 256 + 2,
    MANAGER_NAME_BYTES = 256, /* sd_listen_fds(3): a name has at most 255 characters */
};

struct manager_environment {
    char notify_socket[MANAGER_SOCKET_BYTES]; /* "/path" or "@abstract name"; "": none */
    bool bad_notify_socket; /* NOTIFY_SOCKET is set, and is neither of these; then it is "" */

    uint64_t watchdog_us; /* within which a sign of life is expected; 0: none is */
    bool bad_watchdog;    /* WATCHDOG_USEC or WATCHDOG_PID is no number; then it is 0 */

    uint32_t descriptor_count; /* passed: first_descriptor and the next ones */
    int first_descriptor;      /* MANAGER_DESCRIPTOR_FIRST */
    bool bad_descriptors; /* LISTEN_FDS or LISTEN_PID is no number, or LISTEN_FDS is too large; then
                             the count is 0 */
    char *descriptor_names; /* LISTEN_FDNAMES: names with ':' between them; NULL: none. Owned */
};

/* Reads the variables, and removes them from the environment, so that no process that this one
 * starts takes them for its own. A watchdog or descriptors that are for the process of another
 * number (WATCHDOG_PID, LISTEN_PID) are ignored. Call it before the first thread starts. */
void manager_environment_take(struct manager_environment *environment);

void manager_environment_free(struct manager_environment *environment);

/* Copies the name of the descriptor first_descriptor + index; "" if it has none. Returns
 * name. */
const char *manager_environment_name(const struct manager_environment *environment, uint32_t index,
                                     char name[MANAGER_NAME_BYTES]);

#endif

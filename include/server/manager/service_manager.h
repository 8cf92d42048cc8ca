#ifndef SERVER_MANAGER_SERVICE_MANAGER_H
#define SERVER_MANAGER_SERVICE_MANAGER_H

#include "os/process/manager_environment.h"
#include "server/listen/listeners.h"
#include "server/manager/notification_queue.h"
#include "server/manager/worker_checks.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* What the server reports to the service manager that has started it (sd_notify(3)): that it is
 * ready, reloads or stops, what it does, and that it is alive. Without a manager nothing of this
 * happens. Used by the main thread.
 *
 * A sign of life (WATCHDOG=1) is sent when all workers have answered a message, which the main
 * thread posts to them at half the interval that the manager asks for. So it is missing if the loop
 * of the main thread or of a worker hangs, for half an interval to one and a half. */
enum { SERVICE_MANAGER_VARIABLES_MAX = 2 };

struct service_manager {
    struct manager_environment environment;
    struct notification_queue queue;
    struct worker_checks *checks;
    const struct listeners *listeners; /* for the status; NULL: the server is not ready */
    uint64_t clients;                  /* at the last check */
    size_t reloads;                    /* that have not ended */
    bool was_refused;                  /* the last reload */
    bool has_failed, is_stopping;
    bool is_successor; /* and not yet the server, for the manager */
    char variables[SERVICE_MANAGER_VARIABLES_MAX][MANAGER_SOCKET_BYTES + 16]; /* for a successor */
    uint64_t status_ms;              /* when the last status was sent */
    char status[NOTIFICATION_BYTES]; /* the one that was sent last */
};

/* Reads the environment. Call it before anything else is started. */
void service_manager_init(struct service_manager *manager);

/* Returns the socket to the manager, for a successor; -1 if there is none. */
int service_manager_socket(const struct service_manager *manager);

/* Uses the socket of the predecessor, or connects when something is to be sent (-1), in place of
 * service_manager_connect. This process notifies the manager only when it serves:
 * service_manager_fail sends nothing. */
void service_manager_take_over(struct service_manager *manager, int socket);

/* Writes the variables of the environment that a successor needs, "NAME=value", and NULL at the
 * end. They are valid as long as the manager. */
void service_manager_variables(struct service_manager *manager,
                               const char *variables[SERVICE_MANAGER_VARIABLES_MAX + 1]);

/* Notifies the manager that another process is the server from now on. */
void service_manager_hand_over(struct service_manager *manager, pid_t process);

/* Waits until the manager has got all notifications, or until it is until_ms of clock_now_ms, which
 * is logged. A manager that does not know the other process takes the end of this one for that of
 * the server. */
void service_manager_leave(struct service_manager *manager, uint64_t until_ms);

/* Connects to the manager, if there is one. Errors are logged. Call it when the log is set up, and
 * before privileges are given up. */
void service_manager_connect(struct service_manager *manager);

struct service_manager_options {
    struct loop *loop;
    struct mailbox *reply_mailbox; /* of the loop */
    struct worker *const *workers; /* these outlive the manager */
    size_t worker_count;
    const struct listeners *listeners;
};

/* Reserves what is needed to notify the manager while the server runs, so that nothing of it can
 * fail later. Returns 0, or -errno after it was logged. */
int service_manager_prepare(struct service_manager *manager,
                            const struct service_manager_options *options);

/* Notifies the manager that the server is ready, and begins the checks of the workers. */
void service_manager_ready(struct service_manager *manager);

/* Returns whether there is a manager that gets notifications. Then each reload is between a
 * service_manager_begin_reload and a service_manager_end_reload. */
bool service_manager_is_present(const struct service_manager *manager);
void service_manager_begin_reload(struct service_manager *manager);
void service_manager_end_reload(struct service_manager *manager, bool was_applied);

/* Notifies the manager that the start has failed: at which attempt ("opening the sockets"), and why
 * (-errno; 0 or -EINVAL: only the log says it). */
void service_manager_fail(struct service_manager *manager, const char *attempt, int error);

/* Notifies the manager that the server stops, and ends the checks. Only the first call has an
 * effect. why is a sentence for the status. */
void service_manager_stop(struct service_manager *manager, const char *why);

/* Closes the connection. Call it before the loop is freed. */
void service_manager_disconnect(struct service_manager *manager);

/* Frees the memory, after the workers have ended and the mailbox is freed. */
void service_manager_free(struct service_manager *manager);

#endif

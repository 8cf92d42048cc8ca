#include "server/manager/service_manager.h"

#include "os/log/log.h"
#include "os/process/clock.h"
#include "server/manager/status_text.h"
#include "server/startup_error.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

enum {
    /* A status is at most so old, and without a watchdog the workers are asked so often. */
    CHECK_MS_MAX = 10000,
    STATUS_MS = 1000, /* at least so long after the last one */
};

void service_manager_init(struct service_manager *manager)
{
    *manager = (struct service_manager){.queue.socket = -1};
    manager_environment_take(&manager->environment);
}

static void warn_of_environment(const char *variable, const char *reason)
{
    log_event(LOG_LEVEL_WARNING, "cannot understand the service manager", "variable", variable,
              "reason", reason, "advice",
              "unset it, unless udpsrv is started by a service manager, which sets it", NULL);
}

void service_manager_connect(struct service_manager *manager)
{
    if (manager->environment.bad_notify_socket)
        warn_of_environment("NOTIFY_SOCKET",
                            "it is neither a path nor an abstract name of at most 107 bytes");
    if (manager->environment.bad_watchdog)
        warn_of_environment("WATCHDOG_USEC, WATCHDOG_PID", "these are no numbers");
    notification_queue_open(&manager->queue, manager->environment.notify_socket);
}

int service_manager_socket(const struct service_manager *manager)
{
    return manager->queue.socket;
}

void service_manager_take_over(struct service_manager *manager, int socket)
{
    manager->is_successor = true;
    notification_queue_adopt(&manager->queue, manager->environment.notify_socket, socket);
}

void service_manager_variables(struct service_manager *manager,
                               const char *variables[SERVICE_MANAGER_VARIABLES_MAX + 1])
{
    const struct manager_environment *environment = &manager->environment;
    size_t count = 0;
    if (environment->notify_socket[0] != '\0') {
        snprintf(manager->variables[count], sizeof manager->variables[count], "NOTIFY_SOCKET=%s",
                 environment->notify_socket);
        count++;
    }
    if (environment->watchdog_us != 0) { /* without WATCHDOG_PID it is for each process */
        snprintf(manager->variables[count], sizeof manager->variables[count],
                 "WATCHDOG_USEC=%" PRIu64, environment->watchdog_us);
        count++;
    }
    for (size_t i = 0; i < count; i++)
        variables[i] = manager->variables[i];
    variables[count] = NULL;
}

void service_manager_hand_over(struct service_manager *manager, pid_t process)
{
    char text[64];
    if (!service_manager_is_present(manager))
        return;
    snprintf(text, sizeof text, "MAINPID=%ld", (long)process);
    notification_queue_send_last(&manager->queue, text);
}

void service_manager_leave(struct service_manager *manager, uint64_t until_ms)
{
    notification_queue_flush(&manager->queue, until_ms);
}

bool service_manager_is_present(const struct service_manager *manager)
{
    return manager->queue.address != NULL;
}

/* ---- status ---- */

/* Writes the line STATUS=…, with what the server does and the end of the last reload. */
static void write_status(const struct service_manager *manager, char line[NOTIFICATION_BYTES])
{
    char text[STATUS_TEXT_BYTES];
    snprintf(line, NOTIFICATION_BYTES, "STATUS=%s%s",
             status_text(text, manager->listeners, manager->clients),
             manager->was_refused ? "; the last reload was refused: see the log" : "");
}

/* Sends a notification with a line STATUS=…, "" for none. Both together fit. Returns whether it is
 * sent or waits; false only if it is a repeated one. */
static bool send_with_status(struct service_manager *manager, const char *variables,
                             const char *status, bool is_repeated)
{
    char text[NOTIFICATION_BYTES];
    snprintf(text, sizeof text, "%s%s%s", variables,
             variables[0] != '\0' && status[0] != '\0' ? "\n" : "", status);
    if (is_repeated)
        return notification_queue_send_repeated(&manager->queue, text);
    notification_queue_send(&manager->queue, text);
    return true;
}

/* Sends variables, and the status if that has changed and the last one is old enough, or has to be
 * new. Otherwise they are repeated. */
static void send_state(struct service_manager *manager, const char *variables, bool is_new)
{
    uint64_t now_ms = clock_now_ms();
    char status[NOTIFICATION_BYTES];
    write_status(manager, status);
    if (strcmp(status, manager->status) == 0 ||
        (!is_new && now_ms - manager->status_ms < STATUS_MS)) {
        status[0] = '\0';
    } else {
        memcpy(manager->status, status, sizeof status);
        manager->status_ms = now_ms;
    }
    if ((variables[0] != '\0' || status[0] != '\0') &&
        !send_with_status(manager, variables, status, !is_new))
        manager->status[0] = '\0'; /* the next one has it again */
}

/* ---- checks of the workers ---- */

static void on_answered(void *state, uint64_t clients)
{
    struct service_manager *manager = state;
    manager->clients = clients;
    send_state(manager, manager->environment.watchdog_us != 0 ? "WATCHDOG=1" : "", false);
}

static uint32_t check_period_ms(const struct service_manager *manager)
{
    uint64_t half_ms = manager->environment.watchdog_us / 2 / 1000;
    if (manager->environment.watchdog_us == 0 || half_ms > CHECK_MS_MAX)
        return CHECK_MS_MAX;
    return half_ms > 0 ? (uint32_t)half_ms : 1;
}

int service_manager_prepare(struct service_manager *manager,
                            const struct service_manager_options *options)
{
    if (!service_manager_is_present(manager))
        return 0;
    const struct worker_checks_options checks = {
        .loop = options->loop,
        .reply_mailbox = options->reply_mailbox,
        .workers = options->workers,
        .worker_count = options->worker_count,
        .period_ms = check_period_ms(manager),
        .answered = on_answered,
        .state = manager,
    };
    manager->listeners = options->listeners;
    int error = notification_queue_start(&manager->queue, options->loop);
    if (error == 0)
        error = worker_checks_open(&manager->checks, &checks);
    return error == 0
               ? 0
               : startup_error_report("cannot notify the service manager", "timer and memory",
                                      error, startup_error_advice(error, "try again"));
}

void service_manager_ready(struct service_manager *manager)
{
    if (!service_manager_is_present(manager))
        return;
    manager->is_successor = false;
    worker_checks_start(manager->checks);
    send_state(manager, "READY=1", true);
}

/* ---- reload ---- */

void service_manager_begin_reload(struct service_manager *manager)
{
    char text[64];
    manager->reloads++;
    snprintf(text, sizeof text, "RELOADING=1\nMONOTONIC_USEC=%" PRIu64, clock_monotonic_us());
    if (!manager->is_stopping)
        notification_queue_send(&manager->queue, text);
}

void service_manager_end_reload(struct service_manager *manager, bool was_applied)
{
    manager->was_refused = !was_applied;
    if (--manager->reloads == 0 && !manager->is_stopping)
        send_state(manager, "READY=1", true);
}

/* ---- the end ---- */

void service_manager_fail(struct service_manager *manager, const char *attempt, int error)
{
    char status[NOTIFICATION_BYTES];
    if (manager->is_successor)
        return;
    bool says_why = error != 0 && error != -EINVAL; /* what is wrong, EINVAL does not say */
    manager->has_failed = true;
    snprintf(status, sizeof status, "STATUS=not started: %s%s%s; the log says more", attempt,
             says_why ? ": " : "", says_why ? strerror(-error) : "");
    send_with_status(manager, "", status, false);
}

void service_manager_stop(struct service_manager *manager, const char *why)
{
    char status[NOTIFICATION_BYTES] = "";
    worker_checks_stop(manager->checks);
    if (manager->is_stopping)
        return;
    manager->is_stopping = true;
    if (!manager->has_failed) /* then the status says already why it ends */
        snprintf(status, sizeof status, "STATUS=%s", why);
    send_with_status(manager, "STOPPING=1", status, false);
}

void service_manager_disconnect(struct service_manager *manager)
{
    worker_checks_stop(manager->checks);
    notification_queue_close(&manager->queue);
}

void service_manager_free(struct service_manager *manager)
{
    worker_checks_free(manager->checks);
    manager->checks = NULL;
    manager_environment_free(&manager->environment);
}

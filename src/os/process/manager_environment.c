#include "os/process/manager_environment.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Parses a decimal number without a sign. Returns false if the text is not one, or it is larger
 * than max. */
static bool parse(const char *text, uint64_t max, uint64_t *number)
{
    *number = 0;
    if (*text == '\0')
        return false;
    for (; *text != '\0'; text++) {
        unsigned digit = (unsigned)*text - '0';
        if (digit > 9 || digit > max || *number > (max - digit) / 10)
            return false;
        *number = *number * 10 + digit;
    }
    return true;
}

/* Whether what a pair of variables states is for this process. Without `pid` it is for each one. */
static bool is_for_this(const char *pid, bool *is_bad)
{
    uint64_t number;
    if (pid == NULL)
        return true;
    *is_bad = !parse(pid, INT32_MAX, &number);
    return !*is_bad && number == (uint64_t)getpid();
}

static void take_notify_socket(struct manager_environment *environment)
{
    const char *socket = getenv("NOTIFY_SOCKET");
    if (socket == NULL)
        return;
    environment->bad_notify_socket = (socket[0] != '/' && socket[0] != '@') || socket[1] == '\0' ||
                                     strlen(socket) >= sizeof environment->notify_socket;
    if (!environment->bad_notify_socket)
        strcpy(environment->notify_socket, socket);
}

static void take_watchdog(struct manager_environment *environment)
{
    const char *interval = getenv("WATCHDOG_USEC");
    uint64_t interval_us;
    if (interval == NULL || !is_for_this(getenv("WATCHDOG_PID"), &environment->bad_watchdog))
        return;
    environment->bad_watchdog = !parse(interval, UINT64_MAX, &interval_us);
    if (!environment->bad_watchdog)
        environment->watchdog_us = interval_us;
}

/* Without LISTEN_PID the variables are those of a parent process (sd_listen_fds(3)). */
static void take_descriptors(struct manager_environment *environment)
{
    const char *count = getenv("LISTEN_FDS"), *pid = getenv("LISTEN_PID");
    const char *names = getenv("LISTEN_FDNAMES");
    uint64_t number;
    if (count == NULL || pid == NULL || !is_for_this(pid, &environment->bad_descriptors))
        return;
    environment->bad_descriptors = !parse(count, MANAGER_DESCRIPTORS_MAX, &number);
    if (environment->bad_descriptors)
        return;
    environment->descriptor_count = (uint32_t)number;
    if (names != NULL) /* they are only for messages: without memory there are none */
        environment->descriptor_names = strdup(names);
}

void manager_environment_take(struct manager_environment *environment)
{
    static const char *const variables[] = {"NOTIFY_SOCKET", "WATCHDOG_USEC", "WATCHDOG_PID",
                                            "LISTEN_FDS",    "LISTEN_PID",    "LISTEN_FDNAMES"};
    *environment = (struct manager_environment){.first_descriptor = MANAGER_DESCRIPTOR_FIRST};
    take_notify_socket(environment);
    take_watchdog(environment);
    take_descriptors(environment);
    for (size_t i = 0; i < sizeof variables / sizeof variables[0]; i++)
        unsetenv(variables[i]);
}

void manager_environment_free(struct manager_environment *environment)
{
    free(environment->descriptor_names);
    environment->descriptor_names = NULL;
}

const char *manager_environment_name(const struct manager_environment *environment, uint32_t index,
                                     char name[MANAGER_NAME_BYTES])
{
    const char *at = environment->descriptor_names;
    name[0] = '\0';
    for (; at != NULL && index > 0; index--) {
        const char *end = strchr(at, ':');
        at = end != NULL ? end + 1 : NULL;
    }
    size_t size = at != NULL ? strcspn(at, ":") : 0;
    if (size >= MANAGER_NAME_BYTES)
        size = MANAGER_NAME_BYTES - 1;
    if (size > 0)
        memcpy(name, at, size);
    name[size] = '\0';
    return name;
}

/* The server under test: its start and stop, its log, and its control socket, used by udpctl or by
 * the test. */

#define HARNESS_INTERNAL
#include "harness.h"
#include "process.h"

#include "base/stats.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

enum { SERVERS_MAX = 16 };

static struct server *servers[SERVERS_MAX];
static size_t server_count;

static void drain_log(struct server *server)
{
    while (process_pump(&server->process, 0))
        ;
}

const char *server_log(struct server *server)
{
    drain_log(server);
    return server->process.texts[1].data != NULL ? server->process.texts[1].data : "";
}

const char *servers_logs(void)
{
    const char *logs = "";

    for (size_t i = 0; i < server_count; i++)
        logs = harness_format("%s--- log of server %zu:\n%s", logs, i + 1, server_log(servers[i]));
    return logs;
}

void server_configure(struct server *server, const char *config)
{
    const char *fresh = harness_format("%s.new", server->config);
    FILE *file = fopen(fresh, "we");

    if (file == NULL || fputs(config, file) == EOF || fclose(file) == EOF ||
        rename(fresh, server->config) < 0)
        harness_fail("expected to write %s: %s", server->config, strerror(errno));
}

static void prepare_files(struct server *server, const char *config)
{
    static int number;

    if (server->dir == NULL) {
        server->dir = harness_path(harness_format("%d", ++number));
        if (mkdir(server->dir, 0755) < 0 || chmod(server->dir, 0755) < 0 ||
            (server->owner != 0 && chown(server->dir, server->owner, (gid_t)-1) < 0))
            harness_fail("expected to make %s: %s", server->dir, strerror(errno));
    }
    if (server->socket == NULL)
        server->socket = harness_format("%s/sock", server->dir);
    server->config = harness_format("%s/udpsrv.conf", server->dir);
    if (config != NULL)
        server_configure(server, config);
}

static void launch(struct server *server, const char *config, va_list more)
{
    const char *argv[HARNESS_ARGUMENTS_MAX + 1];
    size_t count = 0;

    prepare_files(server, config);
    for (const char *const *word = server->wrapper; word != NULL && *word != NULL; word++)
        argv[count++] = *word;
    argv[count++] = "udpsrv";
    argv[count++] = "-s";
    argv[count++] = server->socket;
    if (config != NULL) {
        argv[count++] = "-c";
        argv[count++] = server->config;
    }
    arguments_add(argv, count, more);
    process_start(&server->process, server->prepare, argv);
}

/* The address of a listener that waits for its interface has the name of the interface as its zone;
 * other addresses have the index. */
static bool has_name_of_interface(const char *word)
{
    const char *zone = strchr(word, '%');
    return zone != NULL && zone[1] > '9';
}

/* Returns whether the address is of a stream, of a multicast group, or of a listener that waits. */
static bool is_other(const char *word)
{
    return has_name_of_interface(word) || strncmp(word, "tcp:", 4) == 0 ||
           strncmp(word, "unix:", 5) == 0 || strncmp(word, "[ff", 3) == 0 ||
           (strtol(word, NULL, 10) & 0xf0) == 0xe0;
}

/* Reads the addresses of the line "udpsrv: ready ADDR…". */
static void read_addresses(struct server *server, const char *line)
{
    char *words = harness_allocate(strlen(line) + 1);
    char *rest = NULL;

    strcpy(words, line);
    words[strcspn(words, "\n")] = '\0';
    for (char *word = strtok_r(words, " ", &rest); word != NULL;
         word = strtok_r(NULL, " ", &rest)) {
        if (server->listeners + server->other_count == HARNESS_LISTENERS_MAX)
            harness_fail("expected at most %d listeners", HARNESS_LISTENERS_MAX);
        if (is_other(word))
            server->others[server->other_count++] = harness_format("%s", word);
        else
            server->at[server->listeners++] = endpoint_of(word);
    }
    if (server->listeners + server->other_count == 0)
        harness_fail("expected addresses after 'udpsrv: ready', there are none");
}

/* For the logs; a server may be started again in the same memory. */
static void remember(struct server *server)
{
    for (size_t i = 0; i < server_count; i++)
        if (servers[i] == server)
            return;
    if (server_count < SERVERS_MAX)
        servers[server_count++] = server;
}

void server_start(struct server *server, const char *config, ...)
{
    static const char ready[] = "udpsrv: ready ";
    int64_t deadline = harness_now_ms() + HARNESS_DEADLINE_MS;
    const struct bytes *out = &server->process.texts[0];
    const char *line;
    va_list more;

    va_start(more, config);
    launch(server, config, more);
    va_end(more);
    remember(server);
    while (out->data == NULL || (line = strstr(out->data, ready)) == NULL ||
           strchr(line, '\n') == NULL) {
        int64_t left = deadline - harness_now_ms();

        if (server->process.pidfd < 0 || left <= 0)
            harness_fail("expected udpsrv to get ready, it %s (%d); output '%s'",
                         left <= 0 ? "did not" : "ended before", server->process.status,
                         out->data != NULL ? out->data : "");
        process_pump(&server->process, (int)left);
    }
    read_addresses(server, line + strlen(ready));
}

struct result server_try(struct server *server, const char *config, ...)
{
    va_list more;

    va_start(more, config);
    launch(server, config, more);
    va_end(more);
    process_close_stdin(&server->process);
    return process_result(&server->process);
}

const char *server_await_log(struct server *server, const char *text)
{
    int64_t deadline = harness_now_ms() + HARNESS_DEADLINE_MS;
    const char *log = server_log(server);
    const char *found, *start;
    size_t end;

    /* Only whole lines count. */
    while ((found = strstr(log + server->log_read, text)) == NULL || strchr(found, '\n') == NULL) {
        int64_t left = deadline - harness_now_ms();

        if (server->process.pidfd < 0 || left <= 0)
            harness_fail("expected the log to contain '%s' after its byte %zu", text,
                         server->log_read);
        process_pump(&server->process, (int)left);
        log = server_log(server);
    }
    for (start = found; start > log && start[-1] != '\n'; start--)
        ;
    end = (size_t)(strchr(found, '\n') - log);
    server->log_read = end + 1;
    return harness_format("%.*s", (int)(end - (size_t)(start - log)), start);
}

void server_stop(struct server *server)
{
    int status;

    process_kill(&server->process, SIGTERM);
    status = process_wait(&server->process);
    if (status != 0)
        harness_fail("expected udpsrv to end with 0 on SIGTERM, it was %d", status);
    if (access(server->socket, F_OK) == 0)
        harness_fail("expected no %s after the end", server->socket);
}

void server_await_signal(const struct server *server)
{
    int64_t deadline = harness_now_ms() + HARNESS_DEADLINE_MS;
    const char *status = harness_format("/proc/%d/status", (int)server->process.pid);

    while (strstr(run_ok(NULL, "cat", status, NULL), "\nShdPnd:\t0000000000000000\n") == NULL)
        if (harness_now_ms() > deadline)
            harness_fail("expected the server to handle its signals");
}

void server_kill(struct server *server)
{
    process_kill(&server->process, SIGKILL);
    process_wait(&server->process);
}

static struct result run_ctl(const struct server *server, va_list more)
{
    const char *argv[HARNESS_ARGUMENTS_MAX + 1] = {"udpctl", "-s", server->socket};

    arguments_add(argv, 3, more);
    return process_run(NULL, NULL, argv);
}

struct result ctl(const struct server *server, ...)
{
    struct result result;
    va_list more;

    va_start(more, server);
    result = run_ctl(server, more);
    va_end(more);
    return result;
}

const char *ctl_ok(const struct server *server, ...)
{
    struct result result;
    va_list more;

    va_start(more, server);
    result = run_ctl(server, more);
    va_end(more);
    if (result.status != 0)
        harness_fail("expected udpctl to end with 0, it was %d; output '%s', errors '%s'",
                     result.status, result.out, result.err);
    return result.out;
}

/* Returns the text after "name": in a JSON text. */
static const char *json_value(const char *json, const char *name)
{
    const char *found = strstr(json, harness_format("\"%s\"", name));

    if (found != NULL) {
        found += strlen(name) + 2;
        found += strspn(found, " ");
    }
    if (found == NULL || *found != ':')
        harness_fail("expected \"%s\" in '%s'", name, json);
    return found + 1 + strspn(found + 1, " \n");
}

int64_t json_integer(const char *json, const char *name)
{
    const char *value = json_value(json, name);
    char *end;
    long long number = strtoll(value, &end, 10);

    if (end == value || strchr(",}] \n", *end) == NULL)
        harness_fail("expected an integer after \"%s\" in '%s'", name, json);
    return number;
}

const char *json_text(const char *json, const char *name)
{
    const char *value = json_value(json, name);

    if (*value != '"')
        harness_fail("expected a string after \"%s\" in '%s'", name, json);
    return harness_format("%.*s", (int)strcspn(value + 1, "\""), value + 1);
}

int64_t text_integer(const char *text, const char *name)
{
    for (const char *found = text; (found = strstr(found, name)) != NULL; found++) {
        const char *after_name = found + strlen(name);
        bool starts = found == text || !(isalnum((unsigned char)found[-1]) || found[-1] == '_');

        if (starts && strchr(" =\"", *after_name) != NULL) {
            after_name += strspn(after_name, "\": =");
            if (isdigit((unsigned char)*after_name))
                return strtoll(after_name, NULL, 10);
        }
    }
    harness_fail("expected a number for '%s' in '%s'", name, text);
}

size_t text_count(const char *text, const char *part)
{
    size_t count = 0;

    for (const char *found = text; (found = strstr(found, part)) != NULL; found += strlen(part))
        count++;
    return count;
}

int control_client_open(const struct server *server)
{
    struct sockaddr_un name = {.sun_family = AF_UNIX};
    int control = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

    snprintf(name.sun_path, sizeof name.sun_path, "%s", server->socket);
    if (control < 0 || connect(control, (struct sockaddr *)&name, sizeof name) < 0)
        harness_fail("expected to connect to %s: %s", server->socket, strerror(errno));
    return control;
}

bool operator_send(int control, const void *bytes, size_t size)
{
    const char *at = bytes;

    while (size > 0) {
        ssize_t sent = send(control, at, size, MSG_NOSIGNAL);

        if (sent < 0 && errno == EINTR)
            continue;
        if (sent < 0)
            return false;
        at += sent;
        size -= (size_t)sent;
    }
    return true;
}

static bool is_whole(const struct bytes *answer)
{
    return answer->size >= 3 && memcmp(answer->data + answer->size - 3, "\n.\n", 3) == 0;
}

const char *operator_answer(int control)
{
    int64_t deadline = harness_now_ms() + HARNESS_DEADLINE_MS;
    struct pollfd wait = {.fd = control, .events = POLLIN};
    struct bytes answer = {0};
    char buffer[16384];

    while (!is_whole(&answer)) {
        int64_t left = deadline - harness_now_ms();
        ssize_t size;

        if (left <= 0 || poll(&wait, 1, (int)left) == 0)
            harness_fail("expected a whole answer, '%s' came",
                         answer.data != NULL ? answer.data : "");
        size = recv(control, buffer, sizeof buffer, MSG_DONTWAIT);
        if (size == 0 || (size < 0 && errno != EAGAIN && errno != EINTR))
            return NULL;
        if (size > 0)
            bytes_add(&answer, buffer, (size_t)size);
    }
    return answer.data;
}

void operator_expect_end(int control)
{
    int64_t deadline = harness_now_ms() + HARNESS_DEADLINE_MS;
    struct pollfd wait = {.fd = control, .events = POLLIN};
    char buffer[16384];
    ssize_t size;

    do {
        int64_t left = deadline - harness_now_ms();

        if (left <= 0 || poll(&wait, 1, (int)left) == 0)
            harness_fail("expected the connection to be closed, it stays open");
        size = recv(control, buffer, sizeof buffer, MSG_DONTWAIT);
    } while (size > 0 || (size < 0 && (errno == EAGAIN || errno == EINTR)));
}

const char *server_ask(struct server *server, const char *command)
{
    const char *line = harness_format("%s\n", command);
    const char *answer;

    if (server->control == 0)
        server->control = control_client_open(server);
    operator_send(server->control, line, strlen(line));
    answer = operator_answer(server->control);
    if (answer == NULL || strncmp(answer, "ok\n", 3) != 0)
        harness_fail("expected ok to '%s', '%s' came", command, answer != NULL ? answer : "an end");
    return answer;
}

int64_t answer_integer(const char *answer, const char *key)
{
    const char *found = strstr(answer, harness_format("\n%s ", key));
    char *end = NULL;
    long long number = found != NULL ? strtoll(found + strlen(key) + 2, &end, 10) : 0;

    if (found == NULL || *end != '\n')
        harness_fail("expected a line '%s NUMBER' in '%s'", key, answer);
    return number;
}

int64_t server_stat(struct server *server, const char *name)
{
    return answer_integer(server_ask(server, "stats"), name);
}

void server_await_stat(struct server *server, const char *name, int64_t value)
{
    int64_t deadline = harness_now_ms() + HARNESS_DEADLINE_MS;

    for (int64_t now; (now = server_stat(server, name)) < value;) {
        if (harness_now_ms() > deadline)
            harness_fail("expected %s to reach %lld, it stays at %lld: %s", name, (long long)value,
                         (long long)now, server_ask(server, "stats"));
        harness_wait_ms(5);
    }
}

void server_await_clients(struct server *server, int64_t count)
{
    int64_t deadline = harness_now_ms() + HARNESS_DEADLINE_MS;

    for (int64_t now; (now = server_stat(server, "clients")) != count;) {
        if (harness_now_ms() > deadline)
            harness_fail("expected %lld clients, there are %lld", (long long)count, (long long)now);
        harness_wait_ms(10);
    }
}

int server_files(const struct server *server)
{
    struct result list =
        run(NULL, "ls", harness_format("/proc/%d/fd", (int)server->process.pid), NULL);

    return (int)text_count(list.out, "\n");
}

void server_await_files(const struct server *server, int most)
{
    int64_t deadline = harness_now_ms() + HARNESS_DEADLINE_MS;

    for (int now; (now = server_files(server)) > most;) {
        if (harness_now_ms() > deadline)
            harness_fail("expected at most %d open files, there are %d", most, now);
        harness_wait_ms(10);
    }
}

int64_t server_resident_kb(const struct server *server)
{
    struct result got = run(NULL, "awk", "/^VmRSS/ { print $2 }",
                            harness_format("/proc/%d/status", (int)server->process.pid), NULL);

    return atoll(got.out);
}

void expect_balance(const char *what, const char *text)
{
    static const char *const outcomes[] = {
#define NAME_OF(name, meaning) #name,
        STATS_OUTCOMES(NAME_OF)
#undef NAME_OF
    };
    int64_t received = text_integer(text, "received"), sum = 0;

    for (size_t i = 0; i < sizeof outcomes / sizeof outcomes[0]; i++)
        sum += text_integer(text, outcomes[i]);
    if (sum != received)
        harness_fail("expected %s to balance: received is %lld, the outcomes add up to %lld: %s",
                     what, (long long)received, (long long)sum, text);
}

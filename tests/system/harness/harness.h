#ifndef SYSTEM_HARNESS_H
#define SYSTEM_HARNESS_H

#include <criterion/criterion.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>
#include <sys/types.h>

/* What system tests speak with: the real binaries as processes, their configuration, their control
 * socket, and UDP sockets. Each verb that can't keep its promise fails the test, saying where it
 * was called, what was expected, what came, and what the servers logged. Whatever a test leaves
 * behind, even killed in the middle, is removed: processes, sockets, files. Memory that verbs
 * return lives until the test's end.
 *
 * The binaries come from the directory in the environment's UDPSRV_BUILD, or from build/.
 * UDPSRV_SANITIZED=1 says that they are instrumented: loads are scaled down, memory is not
 * measured. */

enum {
    /* How long to wait for an event that should come at once: only a failing test waits so long. */
    HARNESS_DEADLINE_MS = 15000,
    HARNESS_LISTENERS_MAX = 16,
    HARNESS_ARGUMENTS_MAX = 64,
    ENDPOINT_TEXT_BYTES = 80,
};

/* Give it to each suite: TestSuite(system_NAME, .fini = harness_end, .timeout = 60). */
void harness_end(void);

/* True under UDPSRV_SANITIZED=1. */
bool harness_sanitized(void);

/* The programs of this test don't look for leaks at their end: LeakSanitizer stops them by ptrace,
 * which it can't where they have changed users, and which takes for ever where their terminal goes
 * away, since the SIGCONT behind that SIGHUP takes its SIGSTOP back. */
void harness_forgo_leaks(void);

/* Milliseconds of a clock that never goes back. */
int64_t harness_now_ms(void);

/* Waits for one expiry of a timer of ms; for loops that ask a server again until a state is
 * reached, and for ttls that are to pass. */
void harness_tick(int ms);

/* A path in the directory of this test, which goes with it. */
const char *harness_path(const char *name);
const char *harness_format(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* Fails the test, with what the servers logged. */
void harness_fail(const char *format, ...) __attribute__((format(printf, 1, 2), noreturn));
void harness_equal(const char *what, int64_t actual, int64_t expected);
void harness_contains(const char *what, const char *text, const char *part);

#define expect(condition, ...) \
    ((condition) ? (void)0 : (harness_here(__FILE__, __LINE__), harness_fail(__VA_ARGS__)))

/* Processes. */

struct bytes {
    char *data; /* a NUL stands behind the last one; NULL while empty */
    size_t size;
    size_t room;
};

struct process {
    pid_t pid;
    int pidfd;      /* -1 once it was reaped */
    int in;         /* -1 once closed */
    int streams[2]; /* its stdout and stderr, -1 once at their end */
    struct bytes texts[2];
    int status; /* behind its end: exit status, or 128 + the signal that killed it */
};

typedef void harness_prepare(void);

/* Where a program of ours is, by its bare name (udpctl); any other name as it is. */
const char *program_path(const char *name);
/* Starts a program; one of ours by its bare name (udpctl), others through PATH. prepare, or NULL,
 * runs in the child before exec. */
void process_start(struct process *process, harness_prepare *prepare, const char *const *argv);
/* Writes to its stdin, waiting as long as needed; reads meanwhile. */
void process_write(struct process *process, const char *text);
void process_close_stdin(struct process *process);
/* Waits for something on stdout or stderr, or its end, for at most ms. False if nothing came. */
bool process_pump(struct process *process, int ms);
/* Waits until stdout holds text. */
void process_await_text(struct process *process, const char *text);
/* Waits for its end; returns its status. */
int process_wait(struct process *process);
void process_kill(struct process *process, int signal);

struct result {
    int status; /* as in struct process */
    const char *out;
    size_t out_bytes;
    const char *err;
};

/* Runs a program to its end; input, or NULL for none, is its stdin. Arguments end in NULL. */
struct result run(const char *input, const char *program, ...) __attribute__((sentinel));
/* The same, and status 0 is expected; returns stdout. */
const char *run_ok(const char *input, const char *program, ...) __attribute__((sentinel));

/* Addresses and UDP. */

struct endpoint {
    struct sockaddr_storage sockaddr;
    socklen_t size;
};

/* "127.0.0.1:3000", "127.0.0.1", "[::1]:3000", "::1", "[fe80::1%veth0]:3000". */
struct endpoint endpoint_of(const char *text);
/* As the programs write it: "127.0.0.1:3000", "[fe80::1%2]:3000". */
const char *endpoint_text(const struct endpoint *endpoint);
uint16_t endpoint_port(const struct endpoint *endpoint);
struct endpoint endpoint_with_port(const char *host, uint16_t port);
bool endpoint_same(const struct endpoint *a, const struct endpoint *b);

/* A UDP socket bound to an address of the form above. The caller may close it. */
int udp_open(const char *local);
struct endpoint udp_name(int udp);
void udp_send(int udp, const struct endpoint *to, const void *bytes, size_t size);
void udp_say(int udp, const struct endpoint *to, const char *text);
/* Receives one datagram, or returns -1 when none came within HARNESS_DEADLINE_MS. from may be NULL.
 */
ssize_t udp_receive(int udp, void *bytes, size_t room, struct endpoint *from);
/* The next datagram is this text, from there (unless from is NULL). */
void udp_expect(int udp, const struct endpoint *from, const char *text);
/* Says text to a server; the next datagram that comes is its answer. */
void udp_ask(int udp, const struct endpoint *server, const char *text, const char *answer);
/* Nothing is there. Call it behind an event that would have come later than what must not come. */
void udp_expect_nothing(int udp, const char *what);
/* Someone with an address that nobody else of the test has says hi to an IPv4 address of this host,
 * and is gone. */
void udp_pass_by(const struct endpoint *to);
/* Sends at most 1400 bytes over IPv4 with a source that no socket would give them; skips the test
 * where nobody may. */
void udp_forge(const struct endpoint *from, const struct endpoint *to, const void *bytes,
               size_t size);
/* Lets this process open so many descriptors; false if the host doesn't. */
bool harness_allow_files(size_t count);

/* Streams: "tcp:127.0.0.1:3000", "unix:/path". */

int stream_open(const char *name);
void stream_say(int stream, const char *text);
/* The next line, without its newline, or NULL at the end. */
const char *stream_line(int stream);
void stream_expect(int stream, const char *line);
/* Nothing comes any more but the end. */
void stream_expect_end(int stream);
/* Nothing is there; as udp_expect_nothing. */
void stream_expect_nothing(int stream, const char *what);
/* Closes it so that the peer gets a reset, as from one who crashes. */
void stream_reset(int stream);

/* Servers. */

struct server {
    struct process process;
    harness_prepare *prepare;   /* set before the start, or NULL */
    const char *const *wrapper; /* a command to run it under, set before the start, or NULL */
    uid_t owner;                /* of its directory, set before the start: who the server becomes */
    const char *dir;            /* made at the start unless set before */
    const char *socket;         /* likewise: DIR/sock */
    const char *config;         /* DIR/udpsrv.conf */
    struct endpoint at[HARNESS_LISTENERS_MAX]; /* really bound */
    size_t listeners;
    const char *others[HARNESS_LISTENERS_MAX]; /* streams and groups, as they are named */
    size_t other_count;
    size_t log_read; /* how far server_await_log has come */
    int control;     /* of server_ask; 0: none yet */
};

/* Starts udpsrv -s SOCKET [-c FILE] with more arguments, closed by NULL, and waits until it is
 * ready. config is the file's text, or NULL for none. */
void server_start(struct server *server, const char *config, ...) __attribute__((sentinel));
/* A start, or -t or -T, that is expected to end by itself. */
struct result server_try(struct server *server, const char *config, ...) __attribute__((sentinel));
/* Replaces the text of its configuration file. */
void server_configure(struct server *server, const char *config);
/* The whole log so far. */
const char *server_log(struct server *server);
/* Waits for text in the log, behind what an earlier call has found; returns the line that has it.
 */
const char *server_await_log(struct server *server, const char *text);
/* SIGTERM; exit status 0 is expected, and no socket file left. */
void server_stop(struct server *server);
/* SIGKILL; the socket file stays. */
void server_kill(struct server *server);

/* udpctl -s SOCKET ARGUMENTS. */
struct result ctl(const struct server *server, ...) __attribute__((sentinel));
const char *ctl_ok(const struct server *server, ...) __attribute__((sentinel));

/* The integer of "name": N in a JSON text. */
int64_t json_integer(const char *json, const char *name);
/* The string of "name": "…", as it is written there. */
const char *json_text(const char *json, const char *name);
/* The number behind a name as people ("name  5", "name=5") or programs ("name": 5) read it. */
int64_t text_integer(const char *text, const char *name);
/* How often part stands in text. */
size_t text_count(const char *text, const char *part);

/* The control socket, by hand. */

int control_client_open(const struct server *server);
/* False if the peer has closed. */
bool operator_send(int control, const void *bytes, size_t size);
/* Waits until the peer has closed; whatever it says before is left out. */
void operator_expect_end(int control);
/* One whole answer, up to its line with the dot; NULL if the peer closed before. */
const char *operator_answer(int control);
/* Asks over a connection that is kept, and expects an ok. */
const char *server_ask(struct server *server, const char *command);
/* The number behind "key " at a line's start of an answer. */
int64_t answer_integer(const char *answer, const char *key);
/* One counter of stats; and waiting until it has reached at least that value. */
int64_t server_stat(struct server *server, const char *name);
void server_await_stat(struct server *server, const char *name, int64_t value);
/* Waits until it has just so many clients. */
void server_await_clients(struct server *server, int64_t count);
/* The files that it has open; and waiting until they are no more than that. */
int server_files(const struct server *server);
void server_await_files(const struct server *server, int most);
/* The memory that it has, in kB. */
int64_t server_resident_kb(const struct server *server);
/* received equals the sum of the fates in an answer to stats, or in key=value text. */
void expect_balance(const char *what, const char *text);

/* Namespaces. */

/* Enters a network namespace of its own with lo up, or skips the test, saying why. */
void netns_enter(void);
/* Runs a shell command that sets something up there; skips the test if it can't be done. */
void netns_shell(const char *command);
/* The namespace that this thread is in, as a descriptor; and the way back there. */
int netns_here(void);
void netns_switch(int netns);

/* Where a verb was called from, for its message. */
void harness_here(const char *file, int line);

#ifndef HARNESS_INTERNAL
#define HERE(call)                 (harness_here(__FILE__, __LINE__), call)
#define harness_equal(...)         HERE(harness_equal(__VA_ARGS__))
#define harness_contains(...)      HERE(harness_contains(__VA_ARGS__))
#define process_start(...)         HERE(process_start(__VA_ARGS__))
#define process_write(...)         HERE(process_write(__VA_ARGS__))
#define process_await_text(...)    HERE(process_await_text(__VA_ARGS__))
#define process_wait(...)          HERE(process_wait(__VA_ARGS__))
#define run(...)                   HERE(run(__VA_ARGS__))
#define run_ok(...)                HERE(run_ok(__VA_ARGS__))
#define udp_open(...)              HERE(udp_open(__VA_ARGS__))
#define udp_send(...)              HERE(udp_send(__VA_ARGS__))
#define udp_say(...)               HERE(udp_say(__VA_ARGS__))
#define udp_expect(...)            HERE(udp_expect(__VA_ARGS__))
#define udp_ask(...)               HERE(udp_ask(__VA_ARGS__))
#define udp_expect_nothing(...)    HERE(udp_expect_nothing(__VA_ARGS__))
#define udp_pass_by(...)           HERE(udp_pass_by(__VA_ARGS__))
#define stream_open(...)           HERE(stream_open(__VA_ARGS__))
#define stream_say(...)            HERE(stream_say(__VA_ARGS__))
#define stream_line(...)           HERE(stream_line(__VA_ARGS__))
#define stream_expect(...)         HERE(stream_expect(__VA_ARGS__))
#define stream_expect_end(...)     HERE(stream_expect_end(__VA_ARGS__))
#define stream_expect_nothing(...) HERE(stream_expect_nothing(__VA_ARGS__))
#define server_start(...)          HERE(server_start(__VA_ARGS__))
#define server_try(...)            HERE(server_try(__VA_ARGS__))
#define server_await_log(...)      HERE(server_await_log(__VA_ARGS__))
#define server_stop(...)           HERE(server_stop(__VA_ARGS__))
#define ctl(...)                   HERE(ctl(__VA_ARGS__))
#define ctl_ok(...)                HERE(ctl_ok(__VA_ARGS__))
#define json_integer(...)          HERE(json_integer(__VA_ARGS__))
#define text_integer(...)          HERE(text_integer(__VA_ARGS__))
#define json_text(...)             HERE(json_text(__VA_ARGS__))
#define control_client_open(...)   HERE(control_client_open(__VA_ARGS__))
#define operator_expect_end(...)   HERE(operator_expect_end(__VA_ARGS__))
#define operator_answer(...)       HERE(operator_answer(__VA_ARGS__))
#define server_ask(...)            HERE(server_ask(__VA_ARGS__))
#define answer_integer(...)        HERE(answer_integer(__VA_ARGS__))
#define server_stat(...)           HERE(server_stat(__VA_ARGS__))
#define server_await_stat(...)     HERE(server_await_stat(__VA_ARGS__))
#define server_await_clients(...)  HERE(server_await_clients(__VA_ARGS__))
#define server_await_files(...)    HERE(server_await_files(__VA_ARGS__))
#define expect_balance(...)        HERE(expect_balance(__VA_ARGS__))
#endif

#endif

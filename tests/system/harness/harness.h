#ifndef SYSTEM_HARNESS_H
#define SYSTEM_HARNESS_H

#include <criterion/criterion.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>
#include <sys/types.h>

/* The harness of the system tests: runs the real programs as processes, with their configuration
 * and their control socket, and has UDP sockets and streams of clients. A function that cannot do
 * what is stated here fails the test, with the place of its call, the expected and the actual
 * result, and the logs of the servers. Processes, sockets and files of a test are removed after its
 * end, even if the test is killed. Memory that functions return lives until the test's end.
 *
 * The programs are in the directory of the environment variable UDPSRV_BUILD, or in build/.
 * UDPSRV_SANITIZED=1 states that they are instrumented: tests then use smaller loads and do not
 * measure times and memory. */

enum {
    /* The longest wait for an event that should happen at once. Only a failing test waits so long.
     */
    HARNESS_DEADLINE_MS = 60000,
    HARNESS_LISTENERS_MAX = 16,
    HARNESS_ARGUMENTS_MAX = 64,
    ENDPOINT_TEXT_BYTES = 80,
};

/* Ends a test. Each suite must have it: TestSuite(system_NAME, .fini = harness_end, .timeout = 60).
 */
void harness_end(void);

/* Returns whether UDPSRV_SANITIZED=1 is set. */
bool harness_sanitized(void);

/* Disables the leak check at the end of this test's programs. LeakSanitizer stops a program by
 * ptrace, which fails if the program has changed its user, and never ends if its terminal is
 * closed, because the SIGCONT after that SIGHUP undoes the SIGSTOP. */
void harness_disable_leak_check(void);

/* Returns the milliseconds of a monotonic clock. */
int64_t harness_now_ms(void);

/* Waits for a timer of ms: for loops that query a server until it has reached a state, and until a
 * ttl has passed. */
void harness_wait_ms(int ms);

/* Returns a path in the directory of this test, which is removed at its end. */
const char *harness_path(const char *name);

/* Writes text to a new file of that name there, with these permissions, and returns its path. */
const char *harness_write_file(const char *name, const char *text, mode_t mode);
/* Returns a formatted text. */
const char *harness_format(const char *format, ...) __attribute__((format(printf, 1, 2)));
/* An address of 127/8 with a port below 1024. It is of this process only, so that suites can run
 * side by side. */
const char *harness_privileged_address(void);

/* Fails the test, with the logs of the servers. harness_equal fails it unless actual is expected,
 * harness_contains unless text contains part; what is for their messages. */
void harness_fail(const char *format, ...) __attribute__((format(printf, 1, 2), noreturn));
void harness_equal(const char *what, int64_t actual, int64_t expected);
void harness_contains(const char *what, const char *text, const char *part);

#define expect(condition, ...) \
    ((condition) ? (void)0 : (harness_set_location(__FILE__, __LINE__), harness_fail(__VA_ARGS__)))

/* ---- Processes ---- */

struct bytes {
    char *data; /* a NUL follows the last byte; NULL while empty */
    size_t size;
    size_t room;
};

struct process {
    pid_t pid;
    int pidfd;             /* -1 after it has been reaped */
    int in;                /* its stdin, -1 after it has been closed */
    int streams[2];        /* its stdout and stderr, -1 after their end */
    struct bytes texts[2]; /* the output so far */
    bool hands_over;       /* its end is not noticed: another process is to stand for it */
    int status;            /* after its end: exit status, or 128 + the signal that killed it */
};

/* A function that runs in the child before exec. */
typedef void harness_prepare(void);

/* Returns the path of a program of this project (udpctl), or any other name unchanged. */
const char *program_path(const char *name);
/* Starts a program of this project by its name (udpctl), or another one from PATH. prepare may be
 * NULL. */
void process_start(struct process *process, harness_prepare *prepare, const char *const *argv);
/* Writes to the stdin of the process, waits until it has read all, and reads its output meanwhile.
 */
void process_write(struct process *process, const char *text);
void process_close_stdin(struct process *process);
/* Waits at most ms for output or the end of the process. Returns false if there was none. */
bool process_pump(struct process *process, int ms);
/* Waits until stdout contains text. */
void process_await_text(struct process *process, const char *text);
/* Waits for the end of the process and returns its status. */
int process_wait(struct process *process);
void process_kill(struct process *process, int signal);

struct result {
    int status; /* as in struct process */
    const char *out;
    size_t out_bytes;
    const char *err;
};

/* Runs a program until its end. input, or NULL for none, is its stdin. Arguments end with NULL. */
struct result run(const char *input, const char *program, ...) __attribute__((sentinel));
/* Runs a program likewise, expects status 0 and returns stdout. */
const char *run_ok(const char *input, const char *program, ...) __attribute__((sentinel));

/* ---- Addresses and UDP ---- */

struct endpoint {
    struct sockaddr_storage sockaddr;
    socklen_t size;
};

/* Returns the address of a text: "127.0.0.1:3000", "127.0.0.1", "[::1]:3000", "::1",
 * "[fe80::1%veth0]:3000". */
struct endpoint endpoint_of(const char *text);
/* Returns the text of an address as the programs write it: "127.0.0.1:3000", "[fe80::1%2]:3000". */
const char *endpoint_text(const struct endpoint *endpoint);
uint16_t endpoint_port(const struct endpoint *endpoint);
struct endpoint endpoint_with_port(const char *host, uint16_t port);
bool endpoint_same(const struct endpoint *a, const struct endpoint *b);

/* Opens a UDP socket that is bound to an address of the form above. Without a port, it gets one
 * that no other socket of the test has or had, and that the kernel gives to nobody. The caller may
 * close it. udp_name returns its address. */
int udp_open(const char *local);
struct endpoint udp_name(int udp);
void udp_send(int udp, const struct endpoint *to, const void *bytes, size_t size);
void udp_send_text(int udp, const struct endpoint *to, const char *text);
/* Receives one datagram. Returns its size, or -1 if none arrived within HARNESS_DEADLINE_MS. from
 * may be NULL. */
ssize_t udp_receive(int udp, void *bytes, size_t room, struct endpoint *from);
/* Expects that the next datagram is this text, and its source is from (unless that is NULL). */
void udp_expect(int udp, const struct endpoint *from, const char *text);
/* Sends text to a server and expects answer as the next datagram. */
void udp_ask(int udp, const struct endpoint *server, const char *text, const char *answer);
/* Expects that no datagram has arrived. Call it after an event that happens later than the datagram
 * would have arrived. */
void udp_expect_nothing(int udp, const char *what);
/* Has the port of a bound socket refuse the datagrams of others, as if no program listened there,
 * and keeps other programs from that port. */
void udp_refuse(int udp);
/* Sends "hi" to an IPv4 address of this host from an address that no other socket of the test has,
 * and closes that socket. */
void udp_send_from_new_client(const struct endpoint *to);
/* Sends at most 1400 bytes over IPv4 from a forged source address, by a raw socket. Skips the test
 * without permission for that. */
void udp_send_forged(const struct endpoint *from, const struct endpoint *to, const void *bytes,
                     size_t size);
/* Raises the limit of open files of this process. Returns false if that is not allowed. */
bool harness_raise_file_limit(size_t count);

/* ---- Streams: "tcp:127.0.0.1:3000", "unix:/path" ---- */

int stream_open(const char *name);
/* Returns a local address that refuses TCP connections: that of a socket that does not listen,
 * which keeps other programs from the port until the test ends. */
const char *stream_refusing(void);
void stream_write_text(int stream, const char *text);
/* Returns the next line without its newline, or NULL at the end. */
const char *stream_line(int stream);
void stream_expect(int stream, const char *line);
/* Expects that the next bytes are this text, without an end of line. */
void stream_expect_bytes(int stream, const char *text);
/* Expects that the stream ends without another byte. */
void stream_expect_end(int stream);
/* Expects that no byte has arrived: see udp_expect_nothing. */
void stream_expect_nothing(int stream, const char *what);
/* Closes the connection by a reset, as of a client that crashes. */
void stream_reset(int stream);

/* ---- Servers ---- */

struct server {
    struct process process;
    harness_prepare *prepare;   /* set before the start, or NULL */
    const char *const *wrapper; /* a command to run it under, set before the start, or NULL */
    uid_t owner;                /* of its directory, set before the start: the server's new user */
    const char *dir;            /* is made at the start unless it is set before */
    const char *socket;         /* DIR/sock unless it is set before the start */
    const char *config;         /* DIR/udpsrv.conf */
    struct endpoint at[HARNESS_LISTENERS_MAX]; /* the bound UDP addresses, with their ports */
    size_t listeners;
    const char *others[HARNESS_LISTENERS_MAX]; /* names of streams and groups */
    size_t other_count;
    size_t log_read; /* where server_await_log continues */
    int control;     /* the connection of server_ask, or 0 before the first call */
};

/* Starts udpsrv -s SOCKET [-c FILE] with more arguments, which end with NULL, and waits until it is
 * ready. config is the text of the file, or NULL for no file. */
void server_start(struct server *server, const char *config, ...) __attribute__((sentinel));
/* Runs udpsrv likewise until it ends: a start that fails, or -t or -T. */
struct result server_try(struct server *server, const char *config, ...) __attribute__((sentinel));
/* Replaces the text of the configuration file. */
void server_configure(struct server *server, const char *config);
/* Returns the whole log so far. */
const char *server_log(struct server *server);
/* Waits until a line of the log contains text, after the line that the last call has found. Returns
 * that line. */
const char *server_await_log(struct server *server, const char *text);
/* Stops the server by SIGTERM, and expects exit status 0 and no socket file. */
void server_stop(struct server *server);
/* Waits until the server has begun to handle the signals that it was sent. */
void server_await_signal(const struct server *server);
/* Kills the server by SIGKILL. The socket file stays. */
void server_kill(struct server *server);

/* Run udpctl -s SOCKET ARGUMENTS. ctl_ok expects status 0 and returns stdout. */
struct result ctl(const struct server *server, ...) __attribute__((sentinel));
const char *ctl_ok(const struct server *server, ...) __attribute__((sentinel));

/* Returns the integer of "name": N in a JSON text. */
int64_t json_integer(const char *json, const char *name);
/* Returns the string of "name": "…", with its escapes. */
const char *json_text(const char *json, const char *name);
/* Returns the number after a name in text ("name  5", "name=5") or JSON ("name": 5). */
int64_t text_integer(const char *text, const char *name);
/* Returns how often text contains part. */
size_t text_count(const char *text, const char *part);

/* ---- The control socket, without udpctl ---- */

int control_client_open(const struct server *server);
/* Returns false if the peer has closed the connection. */
bool operator_send(int control, const void *bytes, size_t size);
/* Waits until the peer has closed the connection. Ignores what it sends before. */
void operator_expect_end(int control);
/* Returns one whole answer up to its line with a dot, or NULL if the peer has closed before. */
const char *operator_answer(int control);
/* Sends a command over a connection that stays open, and expects the answer ok. */
const char *server_ask(struct server *server, const char *command);
/* Returns the number after "key " at the start of a line of an answer. */
int64_t answer_integer(const char *answer, const char *key);
/* Return one counter of stats, and wait until it is at least value. */
int64_t server_stat(struct server *server, const char *name);
void server_await_stat(struct server *server, const char *name, int64_t value);
/* Waits until the server has exactly that many clients. */
void server_await_clients(struct server *server, int64_t count);
/* Return how many files the server has open, and wait until there are at most that many. */
int server_files(const struct server *server);
void server_await_files(const struct server *server, int most);
/* Returns the resident memory of the server in kB. */
int64_t server_resident_kb(const struct server *server);
/* Expects that received equals the sum of all outcomes in an answer to stats or in key=value text.
 */
void expect_balance(const char *what, const char *text);

/* ---- Network namespaces ---- */

/* Enters a new network namespace with lo up, or skips the test with the reason. */
void netns_enter(void);
/* Runs a shell command in the namespace of the thread. Skips the test if the command fails. */
void netns_shell(const char *command);
/* Waits for the routes of the namespace's IPv6 addresses, but of those that are tentative. The
 * kernel adds them some time after the address and the carrier of its interface: a datagram to the
 * address is lost until then, and each datagram of a socket that was connected to it before. All
 * interfaces with IPv6 addresses must have a carrier. */
void netns_await_ipv6(void);
/* Return a descriptor of this thread's namespace, and enter the namespace of a descriptor. */
int netns_here(void);
void netns_switch(int netns);

/* Records the place of the call for the message of a failure. */
void harness_set_location(const char *file, int line);

#ifndef HARNESS_INTERNAL
#define HERE(call)                    (harness_set_location(__FILE__, __LINE__), call)
#define harness_equal(...)            HERE(harness_equal(__VA_ARGS__))
#define harness_contains(...)         HERE(harness_contains(__VA_ARGS__))
#define process_start(...)            HERE(process_start(__VA_ARGS__))
#define process_write(...)            HERE(process_write(__VA_ARGS__))
#define process_await_text(...)       HERE(process_await_text(__VA_ARGS__))
#define process_wait(...)             HERE(process_wait(__VA_ARGS__))
#define run(...)                      HERE(run(__VA_ARGS__))
#define run_ok(...)                   HERE(run_ok(__VA_ARGS__))
#define udp_open(...)                 HERE(udp_open(__VA_ARGS__))
#define udp_send(...)                 HERE(udp_send(__VA_ARGS__))
#define udp_send_text(...)            HERE(udp_send_text(__VA_ARGS__))
#define udp_expect(...)               HERE(udp_expect(__VA_ARGS__))
#define udp_ask(...)                  HERE(udp_ask(__VA_ARGS__))
#define udp_expect_nothing(...)       HERE(udp_expect_nothing(__VA_ARGS__))
#define udp_refuse(...)               HERE(udp_refuse(__VA_ARGS__))
#define udp_send_from_new_client(...) HERE(udp_send_from_new_client(__VA_ARGS__))
#define stream_open(...)              HERE(stream_open(__VA_ARGS__))
#define stream_refusing(...)          HERE(stream_refusing(__VA_ARGS__))
#define stream_write_text(...)        HERE(stream_write_text(__VA_ARGS__))
#define stream_line(...)              HERE(stream_line(__VA_ARGS__))
#define stream_expect(...)            HERE(stream_expect(__VA_ARGS__))
#define stream_expect_bytes(...)      HERE(stream_expect_bytes(__VA_ARGS__))
#define stream_expect_end(...)        HERE(stream_expect_end(__VA_ARGS__))
#define stream_expect_nothing(...)    HERE(stream_expect_nothing(__VA_ARGS__))
#define server_start(...)             HERE(server_start(__VA_ARGS__))
#define server_try(...)               HERE(server_try(__VA_ARGS__))
#define server_await_log(...)         HERE(server_await_log(__VA_ARGS__))
#define server_await_signal(...)      HERE(server_await_signal(__VA_ARGS__))
#define server_stop(...)              HERE(server_stop(__VA_ARGS__))
#define ctl(...)                      HERE(ctl(__VA_ARGS__))
#define ctl_ok(...)                   HERE(ctl_ok(__VA_ARGS__))
#define json_integer(...)             HERE(json_integer(__VA_ARGS__))
#define text_integer(...)             HERE(text_integer(__VA_ARGS__))
#define json_text(...)                HERE(json_text(__VA_ARGS__))
#define control_client_open(...)      HERE(control_client_open(__VA_ARGS__))
#define operator_expect_end(...)      HERE(operator_expect_end(__VA_ARGS__))
#define operator_answer(...)          HERE(operator_answer(__VA_ARGS__))
#define server_ask(...)               HERE(server_ask(__VA_ARGS__))
#define answer_integer(...)           HERE(answer_integer(__VA_ARGS__))
#define server_stat(...)              HERE(server_stat(__VA_ARGS__))
#define server_await_stat(...)        HERE(server_await_stat(__VA_ARGS__))
#define server_await_clients(...)     HERE(server_await_clients(__VA_ARGS__))
#define server_await_files(...)       HERE(server_await_files(__VA_ARGS__))
#define expect_balance(...)           HERE(expect_balance(__VA_ARGS__))
#endif

#endif

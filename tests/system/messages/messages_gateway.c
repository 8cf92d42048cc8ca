/* Provokes the error messages of `udpctl gateway` and of the server's gateway sessions, for
 * messages.c. */

#include "error_messages.h"
#include "server/control/control_sessions.h"

#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* Records the messages in lines of JSON, of which each must be an error. */
static void check_json(const char *lines)
{
    static const char BEGIN[] = "{\"error\":\"", ESCAPED[] = "\\\"";
    char *rest = strdup(lines), *next;
    for (char *line = strtok_r(rest, "\n", &next); line != NULL;
         line = strtok_r(NULL, "\n", &next)) {
        size_t size = strlen(line);
        expect(strncmp(line, BEGIN, strlen(BEGIN)) == 0 && size > strlen(BEGIN) + 2,
               "expected an error in JSON, it is '%s'", line);
        line[size - 2] = '\0';
        line += strlen(BEGIN);
        for (char *at = line; (at = strstr(at, ESCAPED)) != NULL; at++)
            memmove(at, at + 1, strlen(at));
        error_messages_check("udpctl gateway", harness_format("udpctl: %s\n", line));
    }
    free(rest);
}

static void provoke_requests(const struct server *server)
{
    static const char requests[] = "hello\n"
                                   "{\"more\":1}\n"
                                   "{}\n"
                                   "{\"broadcast\":{},\"text\":\"x\"}\n"
                                   "{\"to\":\"a\"}\n"
                                   "{\"to\":\"\",\"text\":\"x\"}\n"
                                   "{\"to\":\"@\",\"text\":\"x\"}\n"
                                   "{\"to\":\"a\",\"hex\":\"x\"}\n"
                                   "{\"broadcast\":{\"text\":\"x\"},\"confirm\":true}\n"
                                   "{\"to\":\"a\",\"text\":\"x\",\"within\":5}\n"
                                   "{\"to\":\"a\",\"text\":\"x\",\"confirm\":true,\"within\":"
                                   "\"111111111111111111111111111111111\"}\n"
                                   "{\"broadcast\":{\"text\":\"x\",\"key\":\"a\"}}\n"
                                   "{\"broadcast\":{\"text\":\"x\",\"entries_added\":1}}\n"
                                   "{\"to\":\"a\",\"text\":\"x\"}\n";
    struct result result = run(requests, "udpctl", "-s", server->socket, "gateway", NULL);
    harness_equal("status", result.status, 0);
    check_json(result.out);
}

/* Requests that are too long: a line, a payload, and a selector with the longest payload. */
static void provoke_long_requests(const struct server *server)
{
    const char *blocks = "\"2001:db8::/32\"";
    for (int i = 0; i < 7; i++)
        blocks = harness_format("%s,%s", blocks, blocks);
    check_json(run_ok(harness_format("%0600000d\n"
                                     "{\"to\":\"a\",\"text\":\"%065508d\"}\n"
                                     "{\"broadcast\":{\"to\":[%s,%s],\"text\":\"%065507d\"}}\n",
                                     0, 0, blocks, blocks, 0),
                      "udpctl", "-s", server->socket, "gateway", NULL));
}

static void provoke_input(const struct server *server)
{
    const char *command =
        harness_format("%s -s %s gateway </", program_path("udpctl"), server->socket);
    struct result result = run(NULL, "sh", "-c", command, NULL);
    harness_equal(command, result.status, 1);
    check_json(result.out);
}

/* Sends lines to a session and ends its input; checks all errors of the answer. */
static void provoke_lines(const struct server *server, const char *lines, size_t size)
{
    int control = control_client_open(server);
    expect(operator_send(control, lines, size), "expected to send %.40s", lines);
    shutdown(control, SHUT_WR);
    char *rest = strdup(operator_answer(control)), *next;
    for (char *line = strtok_r(rest, "\n", &next); line != NULL;
         line = strtok_r(NULL, "\n", &next)) {
        const char *text = strstr(line, "cannot ");
        if (strncmp(line, "error ", 6) == 0)
            error_messages_check(lines, harness_format("udpsrv: %s", text));
    }
    free(rest);
    close(control);
}

static void provoke_sessions(const struct server *server)
{
    enum { LONG = 140 << 10, WAITING = CONTROL_SESSIONS_MAX - CONTROL_SESSIONS_RESERVED };
    static const char lines[] =
        "gateway\n"
        "send\nsend r\nsend r x 00\nsend r 127.0.0.1:9 0\nnonsense r\n"
        "broadcast r to=x 00\nbroadcast r 0\ngap r x\nend now\nsend \0 r\nsend r";
    static char line[LONG] = "gateway\n";
    int waiting[WAITING];
    provoke_lines(server, lines, sizeof lines - 1);
    memset(line + strlen(line), 'x', LONG - strlen(line));
    provoke_lines(server, line, LONG);
    provoke_lines(server, "gateway now\n", 12);
    provoke_lines(server, "gateway to=x\n", 13);
    for (int i = 0; i < WAITING; i++) {
        char ok[3];
        waiting[i] = control_client_open(server);
        operator_send(waiting[i], "gateway\n", 8);
        harness_equal("ok", recv(waiting[i], ok, sizeof ok, MSG_WAITALL), sizeof ok);
    }
    provoke_lines(server, "gateway\n", 8);
    for (int i = 0; i < WAITING; i++)
        close(waiting[i]);
}

void provoke_gateway(void)
{
    static struct server server;
    server_start(&server, NULL, "-l", "127.0.0.1:0", NULL);
    provoke_requests(&server);
    provoke_long_requests(&server);
    provoke_input(&server);
    provoke_sessions(&server);
    error_messages_at_terminal(harness_format("udpctl -s %s", server.socket), "udpctl> ", NULL,
                               "gateway\r", "from a program");
    server_stop(&server);
}

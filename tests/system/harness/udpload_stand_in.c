/* A service for tests of udpload, and the running of udpload against it. */

#include "udpload_stand_in.h"

#include <poll.h>
#include <stdlib.h>
#include <string.h>

enum { WORDS_MAX = 40 };

int stand_in_udp;
const char *stand_in_name;
int stand_in_received;
int64_t stand_in_pause_ms;
struct process load_process;

void stand_in_open_at(const char *local)
{
    int buffer_bytes = 4 << 20;
    stand_in_udp = udp_open(local);
    setsockopt(stand_in_udp, SOL_SOCKET, SO_RCVBUF, &buffer_bytes, sizeof buffer_bytes);
    struct endpoint at = udp_name(stand_in_udp);
    stand_in_name = endpoint_text(&at);
}

void stand_in_open(void)
{
    stand_in_open_at("127.0.0.1");
}

const char *load_report_file(void)
{
    return harness_path("report.json");
}

void load_start(const char *words)
{
    const char *argv[WORDS_MAX] = {"udpload"};
    char *rest = strdup(words);
    int count = 1;
    for (char *word = strtok(rest, " "); word && count < WORDS_MAX - 1; word = strtok(NULL, " "))
        argv[count++] = strcmp(word, "@") == 0      ? stand_in_name
                        : strcmp(word, "FILE") == 0 ? load_report_file()
                                                    : harness_format("%s", word);
    process_start(&load_process, NULL, argv);
    process_close_stdin(&load_process);
    free(rest);
}

void stand_in_send(const struct endpoint *to, const char *text)
{
    udp_send_text(stand_in_udp, to, text);
}

void stand_in_serve(stand_in_handler *serve, int count)
{
    char bytes[2048];
    struct pollfd waits[] = {{.fd = stand_in_udp, .events = POLLIN},
                             {.fd = load_process.pidfd, .events = POLLIN}};
    int64_t last_ms = 0; /* of the last request */
    while (stand_in_received < count) {
        struct endpoint from = {.size = sizeof from.sockaddr};
        if (recvfrom(stand_in_udp, bytes, sizeof bytes, MSG_DONTWAIT,
                     (struct sockaddr *)&from.sockaddr, &from.size) >= 0) {
            int64_t now_ms = harness_now_ms();
            if (last_ms != 0 && now_ms - last_ms > stand_in_pause_ms)
                stand_in_pause_ms = now_ms - last_ms;
            last_ms = now_ms;
            serve(++stand_in_received, &from);
            continue;
        }
        expect(poll(waits, 2, HARNESS_DEADLINE_MS) > 0, "expected requests, or an end");
        if (waits[1].revents && !waits[0].revents)
            return;
    }
}

const char *load_text(int stream)
{
    return load_process.texts[stream].data ? load_process.texts[stream].data : "";
}

const char *load_report(void)
{
    process_wait(&load_process);
    int status = load_process.status;
    expect(status == 0 || status == 3 || status == 4, "expected status 0, 3 or 4, it was %d: %s",
           status, load_text(1));
    const char *json = run_ok(NULL, "cat", load_report_file(), NULL);
    bool kept_up = strstr(json, "\"kept_up\": true") != NULL;
    bool enough = strstr(json, "\"answered_enough\": true") != NULL;
    expect(status == (!enough   ? 4
                      : kept_up ? 0
                                : 3),
           "expected another status than %d: %s", status, json);
    harness_contains("the text", load_text(0),
                     enough ? "answered enough: yes" : "answered enough: no");
    harness_contains("the text", load_text(0),
                     kept_up ? "sender kept up: yes" : "sender kept up: no");
    harness_equal("replied, wrong and lost",
                  json_integer(json, "replied") + json_integer(json, "wrong") +
                      json_integer(json, "lost"),
                  json_integer(json, "sent"));
    return json;
}

void report_count(const char *json, const char *what, int64_t count)
{
    harness_equal(what, json_integer(json, what), count);
}

void report_exact(const char *json)
{
    expect(strcmp(json_text(json, "attribution"), "exact") == 0, "expected it to be exact: %s",
           json);
}

void stand_in_reply_yes(int number, const struct endpoint *from)
{
    (void)number;
    stand_in_send(from, "yes");
}

void stand_in_ignore(int number, const struct endpoint *from)
{
    (void)number;
    (void)from;
}

/* The three programs with which textbooks begin, and which know nothing of this service, use it: a
 * UDP client, a TCP chat and a multicast chat. */

#include "harness.h"
#include "hosts.h"

#include <string.h>

TestSuite(system_classic_programs, .fini = harness_end, .timeout = 60);

static void need_python(void)
{
    if (run(NULL, "python3", "-c", "", NULL).status != 0)
        cr_skip_test("python3 does not run here");
}

static const char *port_of(const char *name)
{
    return strrchr(name, ':') + 1;
}

/* Starts a program that is in the folder of this file; its standard input is typed. */
static void start_program(struct process *program, const char *name, const char *host,
                          const char *port, const char *option)
{
    const char *path = harness_format("tests/system/programs/%s.py", name);
    process_start(program, NULL, (const char *const[]){"python3", path, host, port, option, NULL});
}

Test(system_classic_programs, a_udp_client_gets_the_messages_in_turn)
{
    static const char *const replies[] = {"audi\n", "toyota\n", "bmw\n", "audi\n"};
    struct server server = {0};
    need_python();
    server_start(&server, NULL, "-l", "127.0.0.1:0", NULL);
    for (size_t i = 0; i < sizeof replies / sizeof *replies; i++)
        cr_assert_str_eq(run_ok(NULL, "python3", "tests/system/programs/udp_client.py", "127.0.0.1",
                                port_of(endpoint_text(&server.at[0])), NULL),
                         replies[i]);
    server_stop(&server);
}

enum { PEOPLE = 3 };

/* The first one types a line; each of them prints what the server has received, and nothing else.
 */
static void type(struct process people[PEOPLE], int who, const char *line, const char *printed)
{
    size_t before[PEOPLE];
    for (int i = 0; i < PEOPLE; i++)
        before[i] = people[i].texts[0].size;
    process_write(&people[who], line);
    for (int i = 0; i < PEOPLE; i++) {
        while (people[i].texts[0].size < before[i] + strlen(printed))
            expect(process_pump(&people[i], HARNESS_DEADLINE_MS), "expected '%s'", printed);
        cr_assert_str_eq(people[i].texts[0].data + before[i], printed);
    }
}

Test(system_classic_programs, a_tcp_chat_without_newlines_works_under_chunk)
{
    struct server server = {0};
    struct process people[PEOPLE] = {0};
    need_python();
    server_start(&server,
                 "[server]\nstream-framing = chunk\n[reply]\nmode = none\n"
                 "[broadcast]\nrelay = all\n",
                 "-l", "tcp:127.0.0.1:0", NULL);
    for (int i = 0; i < PEOPLE; i++)
        start_program(&people[i], "tcp_chat", "127.0.0.1", port_of(server.others[0]),
                      i == 2 ? "newline" : NULL);
    server_await_clients(&server, PEOPLE);
    type(people, 0, "hello\n", "hello\n");
    type(people, 1, "  hi, how are you?\n", "  hi, how are you?\n");
    type(people, 0, "fine\n", "fine\n");
    type(people, 2, "me too\n", "me too\n\n"); /* its newline, and that of print */
    process_close_stdin(&people[1]);
    harness_equal("status", process_wait(&people[1]), 0);
    server_await_clients(&server, PEOPLE - 1);
    harness_equal("received", server_stat(&server, "received"), 4);
    harness_equal("relayed", server_stat(&server, "relayed"), 4);
    server_stop(&server);
}

Test(system_classic_programs, a_multicast_chat_shares_its_group_with_the_server)
{
    struct server server = {0};
    struct process people[2] = {0};
    struct hosts hosts;
    need_python();
    hosts_build(&hosts);
    server_start(&server,
                 "[admission]\npolicy = open\n[reply]\nmode = none\n[broadcast]\n"
                 "multicast = 239.7.7.7:3000\nmulticast-interface = eth0\n",
                 "-l", "10.7.0.1:3000", "-l", "239.7.7.7%eth0:3000", NULL);
    for (int i = 0; i < 2; i++) {
        netns_switch(hosts.host[i + 1]);
        netns_shell("ip route add default dev eth0");
        start_program(&people[i], "multicast_chat", "239.7.7.7", "3000", NULL);
        netns_switch(hosts.host[0]);
    }
    /* A program has joined the group when it receives what it sends itself. */
    process_write(&people[0], "anyone?\n");
    process_await_text(&people[0], "10.7.0.2: anyone?\n");
    process_write(&people[1], "hello\n");
    process_await_text(&people[1], "10.7.0.3: hello\n");
    process_await_text(&people[0], "10.7.0.3: hello\n");
    process_write(&people[0], "welcome\n");
    process_await_text(&people[1], "10.7.0.2: welcome\n");
    process_await_text(&people[0], "10.7.0.2: welcome\n");
    server_await_clients(&server, 2);
    /* By the group, and as clients of the server, since they have sent something to its group. */
    harness_equal("sent",
                  json_integer(ctl_ok(&server, "broadcast", "news", "--json", NULL), "sent"), 3);
    for (int i = 0; i < 2; i++) {
        process_await_text(&people[i], "10.7.0.1: news\n10.7.0.1: news\n");
        process_close_stdin(&people[i]);
        harness_equal("status", process_wait(&people[i]), 0);
    }
    server_stop(&server);
}

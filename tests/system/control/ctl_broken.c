/* udpctl prints only an error, and no part of a table, if the answer of the server is incomplete.
 */

#include "fake_server.h"
#include "harness.h"

#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

TestSuite(system_ctl_broken, .fini = harness_end, .timeout = 60);

/* Runs udpctl against a server that sends text and closes the connection. */
static void run_udpctl(struct process *process, const char *text, const char *const *words)
{
    const char *argv[8] = {"udpctl", "-s", harness_path("broken")};
    int listener = fake_server_listen(argv[2]), connection;
    char byte = '\0';

    for (size_t i = 3; *words != NULL; i++)
        argv[i] = *words++;
    process_start(process, NULL, argv);
    connection = accept(listener, NULL, NULL);
    while (byte != '\n' && read(connection, &byte, 1) == 1)
        continue;
    operator_send(connection, text, strlen(text));
    close(connection);
    close(listener);
    unlink(argv[2]);
    harness_equal("the status", process_wait(process), 1);
}

static const char CLIENTS[] = "ok\nclient 127.0.0.1:1 127.0.0.1:3000 5 6 7\n"
                              "client 127.0.0.1:2 127.0.0.1:3000 5 6 7\n";

Test(system_ctl_broken, json_has_one_error_and_no_part_of_a_table)
{
    static const struct {
        const char *text, *words[4];
    } cases[] = {
        {CLIENTS, {"--json", "clients"}},
        {CLIENTS, {"--json", "clients", "--sort=idle"}},
        {CLIENTS, {"--json", "clients", "--limit=1"}},
        {CLIENTS, {"--json", "client", "127.0.0.1:1"}},
        {"ok\nclient 127.0.0.1:1 127.0.0.1:3000 5 6 7\nclient nonsense\n.\n",
         {"--json", "clients"}},
        {"ok\njob 1 done 5 5 0 0 1 2\n", {"--json", "jobs"}},
        {"ok\nreceived 5\n", {"--json", "stats"}},
        {"", {"--json", "clients"}},
        {"ok\nvalue server.user nobody\n", {"--json", "config"}},
        {"ok\nvalue banana\n.\n", {"--json", "config"}},
        {"ok\nvalue server.user \xc2\x9b\x33\x31m\n.\n", {"--json", "config"}},
    };

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct process process;

        run_udpctl(&process, cases[i].text, cases[i].words);
        run_ok(process.texts[0].data, "python3", "-c",
               "import json, sys; assert list(json.loads(sys.stdin.read())) == ['error']", NULL);
    }
}

Test(system_ctl_broken, text_has_one_error_and_no_part_of_a_table)
{
    struct process process;

    run_udpctl(&process, CLIENTS, (const char *const[]){"clients", NULL});
    cr_assert_eq(process.texts[0].size, 0);
    harness_contains("the error", process.texts[1].data, "udpctl: cannot read the answer");
}

/* Many operators at once: limits of sessions, sessions that wait, and answers that are not read. */

#include "harness.h"

#include <string.h>
#include <unistd.h>

TestSuite(system_many_operators, .fini = harness_end, .timeout = 60);

enum { SESSIONS = 64, WAITERS = 48 };

/* Starts a server whose broadcasts take long: one copy a second, to many clients. */
static void start_slowly_broadcasting(struct server *server)
{
    server_start(server, "[broadcast]\nrate = 1\nqueue = 200\n", "-l", "127.0.0.1:0", NULL);
    for (int i = 0; i < 100; i++)
        udp_send_from_new_client(&server->at[0]);
    server_await_stat(server, "joined", 100);
}

static const char *ask_in_new_session(struct server *server, const char *command)
{
    int control = control_client_open(server);
    operator_send(control, command, strlen(command));
    const char *answer = operator_answer(control);
    close(control);
    return answer;
}

Test(system_many_operators, a_session_that_closes_while_it_waits_is_freed)
{
    struct server server = {0};
    start_slowly_broadcasting(&server);
    for (int i = 0; i < 2 * SESSIONS; i++) {
        int control = control_client_open(&server);
        operator_send(control, "broadcast wait 68\n", 18);
        /* It closes when its command runs for certain. */
        harness_contains("status", ask_in_new_session(&server, "status\n"), "ok\n");
        close(control);
    }
    const char *answer = ask_in_new_session(&server, "status\n");
    expect(answer != NULL, "expected an answer, the session was closed");
    harness_contains("the answer", answer, "ok\n");
    server_stop(&server);
}

Test(system_many_operators, waiting_sessions_leave_sessions_for_cancelling)
{
    struct server server = {0};
    int waiting[SESSIONS];
    int refused = 0;
    start_slowly_broadcasting(&server);
    for (int i = 0; i < SESSIONS; i++) {
        waiting[i] = control_client_open(&server);
        operator_send(waiting[i], "broadcast wait 68\n", 18);
        /* The next one connects when this one is served for certain. */
        harness_contains("status", ask_in_new_session(&server, "status\n"), "ok\n");
    }
    const char *answer = ask_in_new_session(&server, "cancel 1\n");
    harness_contains("the answer to cancel", answer, "state cancelled\n");
    for (int i = WAITERS; i < SESSIONS; i++) {
        answer = operator_answer(waiting[i]);
        refused += answer != NULL && strstr(answer, "error ") == answer;
    }
    expect(refused > 0, "expected the last of %d waiters to be refused", SESSIONS);
    harness_contains("the first waiter's answer", operator_answer(waiting[0]), "state cancelled\n");
    server_stop(&server);
}

/* Requests lists that fill the buffers of the socket, and never reads them. */
static int ask_and_never_read(struct server *server)
{
    int control = control_client_open(server);
    for (int i = 0; i < 40; i++)
        operator_send(control, "clients\n", 8);
    return control;
}

static void start_with_many(struct server *server)
{
    server_start(server, NULL, "-l", "127.0.0.1:0", NULL);
    if (!harness_raise_file_limit(4000))
        cr_skip("this host allows too few open files");
    for (int i = 0; i < 3000; i++) {
        udp_send_from_new_client(&server->at[0]);
        if (i % 100 == 99)
            server_await_stat(server, "received", i + 1);
    }
}

Test(system_many_operators, sessions_that_never_read_are_evicted)
{
    struct server server = {0};
    start_with_many(&server);
    for (int i = 0; i < SESSIONS + 10; i++)
        ask_and_never_read(&server);
    /* The last one is refused while the worker still looks for the clients of all others. */
    const char *answer;
    int64_t deadline = harness_now_ms() + HARNESS_DEADLINE_MS;
    do {
        answer = ask_in_new_session(&server, "status\n");
        expect(answer != NULL, "expected an answer, the session was closed");
    } while (strstr(answer, "all sessions are in use") && harness_now_ms() < deadline);
    harness_contains("the answer", answer, "ok\n");
    server_stop(&server);
}

Test(system_many_operators, a_stop_ends_answers_that_are_not_read)
{
    struct server server = {0};
    start_with_many(&server);
    ask_and_never_read(&server);
    harness_contains("status", ask_in_new_session(&server, "status\n"), "ok\n");
    /* Under AddressSanitizer, what is not freed at the end fails the stop. */
    server_stop(&server);
}

Test(system_many_operators, the_last_log_line_counts_the_broadcasts_that_the_stop_ended)
{
    struct server server = {0};
    start_slowly_broadcasting(&server);
    for (int i = 0; i < 5; i++)
        harness_contains("submission", ask_in_new_session(&server, "broadcast nowait 68\n"),
                         "ok\n");
    server_stop(&server);
    harness_contains("the log", server_log(&server), "broadcasts=5");
}

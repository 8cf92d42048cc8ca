/* Notifications while the service manager reads, has no room, ends, and is started again. */
#include "server/manager/notification_queue.h"
#include "manager_fixture.h"
#include "os/process/clock.h"

#include <criterion/criterion.h>
#include <pthread.h>

static char address[64];
static struct notification_queue queue;
static struct loop *loop;
static int manager;

static void set_up(void)
{
    manager = manager_open(manager_address(address));
    loop = loop_new();
    cr_assert_not_null(loop);
}

static void tear_down(void)
{
    notification_queue_close(&queue);
    loop_free(loop);
    close(manager);
}

TestSuite(notification_queue, .init = set_up, .fini = tear_down, .timeout = 60);

/* Sends numbers until the manager has no room. Returns how many these are. */
static int fill(void)
{
    int sent = 0;
    char text[16];
    while (queue.count == 0) {
        snprintf(text, sizeof text, "X=%d", sent++);
        notification_queue_send(&queue, text);
    }
    return sent;
}

static void expect_number(int number)
{
    char text[16];
    snprintf(text, sizeof text, "X=%d", number);
    cr_assert_str_eq(manager_receive(manager), text);
}

Test(notification_queue, sends_at_once_and_in_order)
{
    notification_queue_open(&queue, address);
    notification_queue_send(&queue, "READY=1");
    notification_queue_send(&queue, "STATUS=x");
    cr_expect_str_eq(manager_receive(manager), "READY=1");
    cr_expect_str_eq(manager_receive(manager), "STATUS=x");
    cr_expect_not(queue.is_logged);
}

Test(notification_queue, does_nothing_without_a_manager)
{
    notification_queue_open(&queue, "");
    cr_expect_eq(notification_queue_start(&queue, loop), 0);
    notification_queue_send(&queue, "READY=1");
    cr_expect_eq(queue.count, 0);
    cr_expect_not(queue.is_logged);
}

static void stop_when_empty(void *state)
{
    (void)state;
    static struct loop_task task;
    task.run = stop_when_empty;
    if (queue.count == 0)
        loop_stop(loop);
    else
        loop_defer(loop, &task);
}

Test(notification_queue, what_has_no_room_is_sent_when_there_is_some)
{
    notification_queue_open(&queue, address);
    cr_assert_eq(notification_queue_start(&queue, loop), 0);
    int sent = fill();
    for (int i = 0; i < sent - 1; i++)
        expect_number(i);
    cr_expect_str_eq(manager_receive(manager), "", "the last one waits");
    struct loop_task task = {.run = stop_when_empty};
    loop_defer(loop, &task);
    cr_assert_eq(loop_run_until_stopped(loop), 0);
    expect_number(sent - 1);
    cr_expect_not(queue.is_logged, "a manager that reads late is no error");
}

Test(notification_queue, the_next_one_or_the_end_sends_what_waits)
{
    notification_queue_open(&queue, address);
    int sent = fill();
    for (int i = 0; i < sent - 1; i++)
        expect_number(i);
    notification_queue_send(&queue, "A=1");
    expect_number(sent - 1);
    cr_expect_str_eq(manager_receive(manager), "A=1");
    sent = fill();
    for (int i = 0; i < sent - 1; i++)
        expect_number(i);
    notification_queue_close(&queue);
    expect_number(sent - 1);
}

Test(notification_queue, what_exceeds_the_queue_is_lost_and_logged)
{
    notification_queue_open(&queue, address);
    int sent = fill();
    for (int i = 1; i < NOTIFICATIONS_MAX; i++)
        notification_queue_send(&queue, "A=1");
    cr_expect_not(queue.is_logged);
    notification_queue_send(&queue, "B=1");
    cr_expect(queue.is_logged);
    for (int i = 0; i < sent - 1; i++)
        expect_number(i);
    notification_queue_close(&queue);
    expect_number(sent - 1);
    for (int i = 1; i < NOTIFICATIONS_MAX; i++)
        cr_expect_str_eq(manager_receive(manager), "A=1");
    cr_expect_str_eq(manager_receive(manager), "");
}

Test(notification_queue, those_that_are_repeated_leave_places_for_others)
{
    notification_queue_open(&queue, address);
    int sent = fill(); /* the last one waits */
    for (int i = 1; i < NOTIFICATIONS_MAX / 2; i++)
        cr_expect(notification_queue_send_repeated(&queue, "WATCHDOG=1"));
    cr_expect_not(queue.is_logged);
    cr_expect_not(notification_queue_send_repeated(&queue, "WATCHDOG=1"));
    cr_expect(queue.is_logged);
    notification_queue_send(&queue, "READY=1");
    for (int i = 0; i < sent - 1; i++)
        expect_number(i);
    cr_expect(notification_queue_send_repeated(&queue, "WATCHDOG=1"), "all are sent now");
    expect_number(sent - 1);
    for (int i = 1; i < NOTIFICATIONS_MAX / 2; i++)
        cr_expect_str_eq(manager_receive(manager), "WATCHDOG=1");
    cr_expect_str_eq(manager_receive(manager), "READY=1");
    cr_expect_str_eq(manager_receive(manager), "WATCHDOG=1");
    cr_expect_str_eq(manager_receive(manager), "");
}

static void *read_some(void *state)
{
    const int *count = state;
    for (int i = 0; i < *count; i++)
        manager_receive(manager);
    return NULL;
}

Test(notification_queue, the_last_one_waits_for_room)
{
    pthread_t reader;
    notification_queue_open(&queue, address);
    int sent = fill() - 1; /* the last one waits */
    for (int i = 1; i < NOTIFICATIONS_MAX; i++)
        notification_queue_send(&queue, "A=1");
    notification_queue_send_last(&queue, "MAINPID=1");
    cr_expect_not(queue.is_logged, "it has a place of its own");
    cr_assert_eq(pthread_create(&reader, NULL, read_some, &sent), 0);
    cr_expect(notification_queue_flush(&queue, clock_now_ms() + 5000));
    cr_assert_eq(pthread_join(reader, NULL), 0);
    expect_number(sent);
    for (int i = 1; i < NOTIFICATIONS_MAX; i++)
        cr_expect_str_eq(manager_receive(manager), "A=1");
    cr_expect_str_eq(manager_receive(manager), "MAINPID=1");
    cr_expect_not(queue.is_logged);
}

Test(notification_queue, a_manager_that_does_not_read_is_waited_for_until_the_time_is_over)
{
    notification_queue_open(&queue, address);
    fill();
    uint64_t begun_ms = clock_now_ms();
    cr_expect_not(notification_queue_flush(&queue, begun_ms + 50));
    cr_expect_geq(clock_now_ms(), begun_ms + 50);
    cr_expect(queue.is_logged);
}

Test(notification_queue, a_manager_that_was_started_again_gets_the_next_one)
{
    notification_queue_open(&queue, address);
    close(manager);
    notification_queue_send(&queue, "A=1");
    cr_expect(queue.is_logged);
    cr_expect_eq(queue.count, 0, "what nobody can receive does not wait");
    manager = manager_open(address);
    notification_queue_send(&queue, "B=1");
    cr_expect_str_eq(manager_receive(manager), "B=1");
    close(manager);
    manager = manager_open(address);
    notification_queue_send(&queue, "C=1");
    cr_expect_str_eq(manager_receive(manager), "C=1", "none is lost between two managers");
}

Test(notification_queue, a_manager_that_does_not_exist_is_logged_and_harms_nothing)
{
    notification_queue_open(&queue, "/nowhere/notify");
    cr_expect(queue.is_logged);
    notification_queue_send(&queue, "READY=1");
    cr_expect_eq(queue.count, 0);
}

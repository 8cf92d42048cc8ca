#include "net/offload/offload.h"

#include "net/offload/offload_program.h"
#include "offload_fixture.h"

#include <criterion/criterion.h>
#include <dirent.h>
#include <errno.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

/* The tables of the offload, and its descriptors. */

Test(offload, begins_with_memory_that_is_zero)
{
    struct offload *offload = offload_or_skip(3, 2);

    for (size_t i = 0; i < 3; i++)
        cr_assert_eq(offload_records(offload)[i].seen, 0);
    for (uint32_t i = 0; i < 2; i++) {
        cr_assert_eq(offload_settings_reply(offload_workers(offload)[i].settings), OFFLOAD_PASS);
        cr_assert_eq(offload_count_all(offload, i), 0);
    }
    for (size_t i = 0; i < OFFLOAD_ROTATIONS; i++)
        cr_assert_eq(offload_rotations(offload)[i].turns, 0);
    offload_close(offload);
    offload_close(NULL);
}

Test(offload, has_no_more_records_than_an_entry_of_the_index_can_name)
{
    const struct offload_size size = {1u << OFFLOAD_RECORD_BITS, 1, 1};
    struct offload *offload;
    const char *failed;

    cr_assert_eq(offload_open(&offload, &size, &failed), -E2BIG);
    cr_assert_str_eq(failed, "records of clients");
    cr_assert_null(offload);
}

Test(offload, refuses_messages_that_have_no_place)
{
    struct offload *offload = offload_or_skip(1, 1);
    static const uint8_t BYTES[OFFLOAD_MESSAGE_BYTES + 1];

    cr_assert_eq(offload_set_message(offload, 0, 0, BYTES, sizeof BYTES), -EMSGSIZE);
    cr_assert_eq(offload_set_message(offload, OFFLOAD_ROTATIONS, 0, BYTES, 1), -EINVAL);
    cr_assert_eq(offload_set_message(offload, 0, OFFLOAD_MESSAGES_MAX, BYTES, 1), -EINVAL);
    cr_assert_eq(offload_set_message(offload, OFFLOAD_ROTATIONS - 1, OFFLOAD_MESSAGES_MAX - 1,
                                     BYTES, OFFLOAD_MESSAGE_BYTES),
                 0);
    offload_close(offload);
}

Test(offload, reports_an_interface_and_a_worker_that_do_not_exist)
{
    struct offload *offload = offload_or_skip(1, 1);
    uint32_t program;
    uint64_t counters[OFFLOAD_COUNTERS];

    cr_assert_eq(offload_attach(offload, "no-such-device", OFFLOAD_NATIVE), -ENODEV);
    cr_assert_eq(offload_is_attached(offload, 0, &program), 0);
    cr_assert_eq(program, 0);
    cr_assert_eq(offload_counters(offload, 1, counters), -ENOENT);
    offload_close(offload);
}

/* ---- descriptors ---- */

static unsigned open_descriptors(void)
{
    unsigned count = 0;
    DIR *directory = opendir("/proc/self/fd");

    cr_assert_not_null(directory);
    while (readdir(directory) != NULL)
        count++;
    closedir(directory);
    return count;
}

Test(offload, closes_all_descriptors)
{
    const unsigned before = open_descriptors();
    struct offload *offload = offload_or_skip(1, 1);

    cr_assert_eq(open_descriptors(), before + OFFLOAD_TABLES + 1);
    offload_close(offload);
    cr_assert_eq(open_descriptors(), before);
}

static int open_with_descriptors_below(rlim_t end, struct offload **offload, const char **failed)
{
    const struct offload_size size = {1, 1, 1};
    struct rlimit limit, lower;

    cr_assert_eq(getrlimit(RLIMIT_NOFILE, &limit), 0);
    lower = (struct rlimit){end, limit.rlim_max};
    cr_assert_eq(setrlimit(RLIMIT_NOFILE, &lower), 0);
    int error = offload_open(offload, &size, failed);
    cr_assert_eq(setrlimit(RLIMIT_NOFILE, &limit), 0);
    return error;
}

/* Descriptors that this process has open already make the same one fail again. */
Test(offload, leaves_no_descriptor_open_when_one_is_missing)
{
    struct offload *offload = offload_or_skip(1, 1);
    const char *failed = NULL, *last = "";
    int failures = 0, error;

    offload_close(offload);
    const unsigned before = open_descriptors();
    const int next = dup(0); /* the number of the next descriptor */
    cr_assert_geq(next, 0);
    close(next);
    rlim_t end = (rlim_t)next;
    while ((error = open_with_descriptors_below(end++, &offload, &failed)) != 0) {
        cr_assert_eq(error, -EMFILE);
        cr_assert_null(offload);
        cr_assert_eq(open_descriptors(), before);
        failures += failed != last;
        last = failed;
    }
    offload_close(offload);
    cr_assert_eq(failures, OFFLOAD_TABLES + 1);
    cr_assert_str_eq(last, "program");
}

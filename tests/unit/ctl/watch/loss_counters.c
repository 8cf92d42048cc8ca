/* Which counters count losses. */
#include "ctl/watch/loss_counters.h"

#include <criterion/criterion.h>

Test(loss_counters, are_recognised_by_their_names)
{
    static const struct {
        const char *name;
        bool bad;
    } cases[] = {{"drop_oversize", true},   {"kernel_drops", true},    {"refused_full", true},
                 {"copies_failed", true},   {"reply_failed", true},    {"received", false},
                 {"copies_sent", false},    {"dropper", false},        {"drop", false},
                 {"drop_of_a_newer", true}, {"relay_dropped", true},   {"relay_limited", true},
                 {"streams_slow", true},    {"streams_refused", true}, {"streams_closed", false},
                 {"relayed", false},        {"listen_lost", true},     {"listen_events", false}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        cr_expect_eq(loss_counters_include(cases[i].name), cases[i].bad, "%s", cases[i].name);
    }
}

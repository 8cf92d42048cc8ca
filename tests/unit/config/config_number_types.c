/* Values of numbers, durations, sizes, modes and enumerations. */
#include "config_key_fixture.h"

TestSuite(config_number_types, .init = set_up, .fini = tear_down);

Test(config_number_types, numbers_have_ranges)
{
    static const struct {
        const char *section, *name, *low, *high, *below, *above, *reason;
    } RANGES[] = {
        {"server", "workers", "1", "256", "0", "257", "must be auto, or a number from 1 to 256"},
        {"server", "max-datagram", "1", "65507", "0", "65508", "must be from 1 to 65507"},
        {"server", "receive-buffer", "4k", "1g", "4095", "2g", "must be from 4k to 1g"},
        {"server", "send-buffer", "64k", "1g", "65535", "1073741825", "must be from 64k to 1g"},
        {"clients", "max", "1", "100000000", "0", "100000001", "must be from 1 to 100000000"},
        {"clients", "ttl", "1ms", "4294967295ms", "0s", "4294967296ms",
         "must be from 1ms to 4294967295ms"},
        {"clients", "sweep", "10ms", "1h", "9ms", "61m", "must be from 10ms to 1h"},
        {"broadcast", "rate", "0", "4294967295", NULL, "4294967296",
         "must be from 0 to 4294967295"},
        {"broadcast", "queue", "1", "65536", "0", "65537", "must be from 1 to 65536"},
        {"broadcast", "relay-rate", "0", "1000000", NULL, "1000001", "must be from 0 to 1000000"},
        {"broadcast", "multicast-ttl", "0", "255", NULL, "256", "must be from 0 to 255"},
        {"server", "stream-max", "1", "100000", "0", "100001", "must be from 1 to 100000"},
        {"server", "stream-buffer", "4k", "64m", "4095", "65m", "must be from 4k to 64m"},
        {"server", "stream-idle", "1s", "4294967295ms", "999ms", "4294967296ms",
         "must be from 1s to 4294967295ms"},
        {"admission", "per-prefix", "0", "100000000", NULL, "100000001",
         "must be from 0 to 100000000"},
        {"admission", "rate", "0", "1000000", NULL, "1000001", "must be from 0 to 1000000"},
        {"admission", "burst", "0", "1000000", NULL, "1000001", "must be from 0 to 1000000"},
        {"offload", "max", "1", "100000000", "0", "100000001",
         "must be auto, or a number from 1 to 100000000"},
        {"control", "mode", "0000", "777", NULL, "1777", "must be from 0000 to 0777"},
    };
    for (size_t i = 0; i < COUNT(RANGES); i++) {
        expect_set(RANGES[i].section, RANGES[i].name, RANGES[i].low);
        expect_set(RANGES[i].section, RANGES[i].name, RANGES[i].high);
        if (RANGES[i].below)
            expect_refused(RANGES[i].section, RANGES[i].name, RANGES[i].below, RANGES[i].reason);
        expect_refused(RANGES[i].section, RANGES[i].name, RANGES[i].above, RANGES[i].reason);
    }
    cr_assert_eq(config->clients.ttl_ms, UINT32_MAX);
    cr_assert_eq(config->broadcast.rate_pps, UINT32_MAX);
    cr_assert_eq(config->control.mode, 0777);
}

Test(config_number_types, workers_are_a_number_or_auto)
{
    cr_assert_eq(config->server.workers, 1);
    expect_set("server", "workers", "auto");
    cr_assert_eq(config->server.workers, CONFIG_WORKERS_AUTO);
    expect_refused("server", "workers", "many", "must be auto, or a number from 1 to 256");
    expect_refused("server", "workers", "AUTO", "must be auto, or a number from 1 to 256");
    expect_refused("server", "workers", "", "must be auto, or a number from 1 to 256");
    cr_assert_eq(config->server.workers, CONFIG_WORKERS_AUTO);
    expect_set("server", "workers", "4");
    cr_assert_eq(config->server.workers, 4);
}

Test(config_number_types, bad_notations_are_refused_and_the_value_is_kept)
{
    expect_refused("clients", "max", "many", "not a number");
    expect_refused("clients", "max", "1k", "not a number");
    expect_refused("clients", "ttl", "10", "a duration ends in ms, s, m, h or d");
    expect_refused("clients", "ttl", "10y", "a duration ends in ms, s, m, h or d");
    expect_refused("clients", "ttl", "", "not a number");
    expect_refused("server", "max-datagram", "2kb", "a size ends in k, m, g or no unit");
    expect_refused("control", "mode", "0680", "not an octal mode, such as 0660");
    expect_refused("control", "mode", "6", "not an octal mode, such as 0660");
    expect_refused("control", "mode", "00660", "not an octal mode, such as 0660");
    expect_refused("control", "mode", "rw", "not an octal mode, such as 0660");
    cr_assert_eq(config->clients.max, 1000000);
    cr_assert_eq(config->clients.ttl_ms, 60000);
    cr_assert_eq(config->control.mode, 0660);
}

Test(config_number_types, a_negative_number_is_out_of_range_in_every_notation)
{
    expect_refused("clients", "max", "-1", "must be from 1 to 100000000");
    expect_refused("broadcast", "rate", "-1", "must be from 0 to 4294967295");
    expect_refused("clients", "ttl", "-5s", "must be from 1ms to 4294967295ms");
    expect_refused("server", "max-datagram", "-2k", "must be from 1 to 65507");
    expect_refused("control", "mode", "-660", "must be from 0000 to 0777");
    expect_refused("server", "workers", "-1", "must be auto, or a number from 1 to 256");
    expect_refused("clients", "max", "-", "not a number");
    expect_refused("clients", "max", "--1", "not a number");
    expect_refused("clients", "ttl", "-5y", "must not be negative");
    cr_assert_eq(config->clients.max, 1000000);
    cr_assert_eq(config->clients.ttl_ms, 60000);
}

Test(config_number_types, enumerations_have_words)
{
    expect_set("reply", "mode", "echo");
    cr_assert_eq(config->reply.mode, REPLY_ECHO);
    expect_set("reply", "mode", "none");
    cr_assert_eq(config->reply.mode, REPLY_NONE);
    expect_set("reply", "mode", "rotate");
    cr_assert_eq(config->reply.mode, REPLY_ROTATE);
    expect_set("admission", "policy", "open");
    cr_assert_eq(config->admission.policy, POLICY_OPEN);
    expect_set("offload", "mode", "auto");
    cr_assert_eq(config->offload.mode, CONFIG_OFFLOAD_AUTO);
    expect_set("offload", "mode", "native");
    cr_assert_eq(config->offload.mode, CONFIG_OFFLOAD_NATIVE);
    expect_set("offload", "mode", "generic");
    cr_assert_eq(config->offload.mode, CONFIG_OFFLOAD_GENERIC);
    expect_set("offload", "mode", "off");
    cr_assert_eq(config->offload.mode, CONFIG_OFFLOAD_OFF);
    expect_set("log", "level", "error");
    cr_assert_eq(config->log.level, LOG_LEVEL_ERROR);
    expect_set("log", "level", "debug");
    cr_assert_eq(config->log.level, LOG_LEVEL_DEBUG);
    expect_set("log", "format", "json");
    cr_assert_eq(config->log.format, LOG_FORMAT_JSON);
    expect_set("log", "target", "syslog");
    cr_assert_eq(config->log.target, LOG_TARGET_SYSLOG);
}

Test(config_number_types, unknown_words_are_refused_with_a_suggestion)
{
    expect_refused("reply", "mode", "rotat",
                   "must be rotate, echo or none (did you mean 'rotate'?)");
    expect_refused("reply", "mode", "banana", "must be rotate, echo or none");
    expect_set("admission", "policy", "cookie");
    cr_assert_eq(config->admission.policy, POLICY_COOKIE);
    expect_refused("admission", "policy", "closed", "must be open or cookie");
    expect_set("admission", "dry-run", "on");
    cr_assert_eq(config->admission.dry_run, 1);
    expect_refused("admission", "dry-run", "yes", "must be off or on");
    expect_refused("offload", "mode", "on", "must be off, auto, native or generic");
    expect_refused("log", "target", "Syslog", "must be stderr or syslog (did you mean 'syslog'?)");
    expect_refused("log", "level", "", "must be error, warning, info or debug");
}

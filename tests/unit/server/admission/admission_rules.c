/* Where the table of the rate limiter is: in the memory of the offload if there is one, and after
 * an upgrade where the former process has left it. */
#include "server/admission/admission_rules.h"

#include "config/config_defaults.h"
#include "handover_fixture.h"
#include "offload_fixture.h"

#include <criterion/criterion.h>
#include <string.h>

static struct config *config;
static struct offload *offload;
static struct admission_tables tables;
static struct admission_rules rules;

static void set_up(void)
{
    config = config_defaults();
    config->admission.rate_pps = 1;
    config->admission.burst = 3;
}

static void set_up_with_offload(void)
{
    set_up();
    offload = offload_or_skip(1, 1);
}

static void tear_down(void)
{
    admission_tables_free(&tables);
    offload_close(offload);
    config_free(config);
}

TestSuite(admission_rules, .init = set_up, .fini = tear_down);
TestSuite(admission_rules_offload, .init = set_up_with_offload, .fini = tear_down);

static void begin(struct admission_tables *begun, const struct offload *program)
{
    cr_assert_eq(admission_tables_init(begun, 100, program), 0);
}

static void make_rules(struct admission_tables *made_from)
{
    cr_assert_eq(admission_rules_make(&rules, made_from, config), 0);
}

static const struct addr source = {.ip = {192, 0, 2, 1}, .port = 4000, .family = ADDR_IPV4};

static bool take(void)
{
    return rate_limiter_take(rules.limiter, &rules.limits, &source, RATE_LIMITER_UNVERIFIED, 1000);
}

/* What the tables hand over to the next process. */
static struct handed_clients handed_by(const struct admission_tables *former)
{
    struct handed_clients handed = {.keeps_memory = true};
    handed.prefixes.descriptor = handed.capacity.descriptor = handed.names.descriptor = -1;
    handed.limiter = (struct handed_memory){.descriptor = dup(former->limiter_memory.descriptor),
                                            .layout = rate_limiter_layout()};
    return handed;
}

/* The tables of a process that has one token of three left. */
static struct handed_clients hand_over_one_token(struct admission_tables *former,
                                                 const struct offload *program)
{
    begin(former, program);
    make_rules(former);
    cr_assert(take() && take());
    return handed_by(former);
}

static void take_over(struct handed_clients *handed, const struct offload *program)
{
    begin(&tables, program);
    admission_tables_take_over(&tables, handed);
    make_rules(&tables);
}

Test(admission_rules, have_a_limiter_while_there_is_a_rate)
{
    begin(&tables, NULL);
    config->admission.rate_pps = 0;
    make_rules(&tables);
    cr_assert_null(rules.limiter);
    cr_assert_eq(rules.limits.address.interval_ns, 0);
    struct rate_limiter_hashes hashes = admission_rules_rate_hashes(&rules, &source);
    cr_assert_eq(hashes.address | hashes.prefix, 0);
    config->admission.rate_pps = 1;
    make_rules(&tables);
    struct rate_limiter *limiter = rules.limiter;
    cr_assert(take());
    config->admission.rate_pps = 0;
    make_rules(&tables);
    config->admission.rate_pps = 1;
    make_rules(&tables);
    cr_assert_eq(rules.limiter, limiter);
    cr_assert(take() && take());
    cr_assert_not(take());
}

Test(admission_rules, name_the_buckets_of_clients_by_the_policy)
{
    begin(&tables, NULL);
    static const enum config_policy policies[] = {POLICY_OPEN, POLICY_COOKIE};
    for (size_t i = 0; i < 2; i++) {
        const enum config_policy policy = policies[i];
        config->admission.policy = policy;
        make_rules(&tables);
        const struct rate_limiter_hashes expected = rate_limiter_hashes(
                                             rules.limiter, &source,
                                             policy == POLICY_COOKIE ? RATE_LIMITER_VERIFIED
                                                                     : RATE_LIMITER_UNVERIFIED),
                                         hashes = admission_rules_rate_hashes(&rules, &source);
        cr_expect_eq(hashes.address, expected.address);
        cr_expect_eq(hashes.prefix, expected.prefix);
    }
}

Test(admission_rules_offload, have_the_limiter_in_the_memory_of_the_offload)
{
    begin(&tables, offload);
    make_rules(&tables);
    cr_assert_eq(rules.limiter, offload_rate_limiter(offload).memory);
    cr_assert(take() && take() && take());
    cr_assert_not(take());
    admission_tables_free(&tables);
    cr_assert_not(take(), "the memory is the offload's");
}

Test(admission_rules_offload, go_on_with_the_limiter_of_an_offload_that_was_taken_over)
{
    struct admission_tables former;
    struct handed_clients handed = hand_over_one_token(&former, offload);
    take_over(&handed, offload);
    cr_assert_eq(rules.limiter, offload_rate_limiter(offload).memory);
    cr_assert_geq(handed.limiter.descriptor, 0, "it is not mapped twice");
    handed_memory_close(&handed.limiter);
    cr_assert(take());
    cr_assert_not(take());
}

Test(admission_rules_offload, go_on_with_its_limiter_when_there_is_no_offload_any_more)
{
    struct admission_tables former;
    struct handed_clients handed = hand_over_one_token(&former, offload);
    offload_close(offload);
    offload = NULL;
    take_over(&handed, NULL);
    cr_assert(take());
    cr_assert_not(take());
}

/* The program does not see these buckets: it passes everything on while there is a rate. */
Test(admission_rules_offload, go_on_with_the_limiter_of_a_process_without_one)
{
    struct admission_tables former;
    struct handed_clients handed = hand_over_one_token(&former, NULL);
    take_over(&handed, offload);
    cr_assert_neq(rules.limiter, offload_rate_limiter(offload).memory);
    cr_assert_eq(handed.limiter.descriptor, -1);
    admission_tables_free(&former);
    cr_assert(take());
    cr_assert_not(take());
}

Test(admission_rules_offload, begin_with_full_buckets_if_the_former_process_had_no_rate)
{
    struct handed_clients handed = {.limiter.descriptor = -1};
    take_over(&handed, offload);
    cr_assert_eq(rules.limiter, offload_rate_limiter(offload).memory);
    cr_assert(take());
}

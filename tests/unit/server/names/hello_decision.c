/* Tests of server/names/hello_decision: who may have a name, in each mode. */
#include "server/names/hello_decision.h"

#include <criterion/criterion.h>

#include <string.h>

enum { NOW_MS = 1000, CHECK_MS = 61000, WORKER = 3, SLOT = 5, SLOTS = 10000 };

static struct loop *loop;
static struct mailbox *mailbox;
static struct name_queue *queue;
static _Atomic uint64_t numbers;
static struct hello_names names;
static struct cookie_secrets secrets;
static struct stats stats;
static enum frame_named_status status;
static uint8_t hello[FRAME_HELLO_BYTES_MAX];

static struct client client = {
    .source = {.family = ADDR_IPV4, .ip = {192, 0, 2, 1}, .port = 4000},
    .listener = 2,
    .join_number = 77,
    .slot = SLOT,
};

static void on_claims(struct mailbox_message *wake)
{
    (void)wake;
}

static void set_up(void)
{
    static const struct siphash_key key = {1, 2};
    loop = loop_new();
    mailbox = mailbox_new(loop);
    cr_assert_eq(name_queue_open(&queue, mailbox, &numbers, SLOTS, on_claims, NULL), 0);
    secrets = cookie_secrets_new(&key, 0);
    names = (struct hello_names){.queue = queue, .worker = WORKER, .key = {{1, 2, 3}}};
}

static void tear_down(void)
{
    mailbox_free(mailbox);
    name_queue_free(queue);
    loop_free(loop);
}

TestSuite(hello_decision, .init = set_up, .fini = tear_down);

static enum hello_outcome decide(enum config_names mode, size_t size)
{
    struct frame frame = frame_read(hello, size);
    cr_assert_eq(frame.type, FRAME_HELLO);
    names.mode = mode;
    return hello_decide(&names, &secrets, &client, &frame, NOW_MS, CHECK_MS, &stats, &status);
}

static enum hello_outcome decide_plain(enum config_names mode, const char *name)
{
    return decide(mode, frame_write_hello(hello, true, name, strlen(name)));
}

/* A hello of the device of that name, with a cookie of this source. */
static enum hello_outcome decide_keyed(enum config_names mode, const struct addr *source,
                                       const char *device)
{
    struct device_name name, key_name;
    uint8_t cookie[COOKIE_BYTES], key[DEVICE_KEY_BYTES], mac[DEVICE_MAC_BYTES];
    device_name_set(&name, "lamp", 4);
    device_name_set(&key_name, device, strlen(device));
    cookie_make(&secrets, client.listener, source, cookie);
    device_key_derive(&names.key, &key_name, key);
    device_key_mac(key, cookie, &name, mac);
    return decide(mode, frame_write_keyed_hello(hello, false, cookie, mac, "lamp", 4));
}

static void expect_claim(const char *name)
{
    const struct name_claim *claim = name_queue_front(queue);
    const struct client_key key = client_key_of(client.listener, &client.source);
    cr_assert_not_null(claim);
    cr_assert(client_key_equal(&claim->holder.key, &key));
    cr_assert_eq(claim->holder.join_number, client.join_number);
    cr_assert_eq(claim->claimed_ms, NOW_MS);
    cr_assert_eq(claim->slot, SLOT);
    cr_assert_eq(claim->holder.worker, WORKER);
    cr_assert_eq(claim->check_ms, CHECK_MS);
    cr_assert_eq(claim->name.size, strlen(name));
    cr_assert_arr_eq(claim->name.bytes, name, strlen(name));
    name_queue_release(queue);
    name_queue_end(queue, SLOT);
    cr_assert_null(name_queue_front(queue));
}

static void expect_refused(enum hello_outcome outcome, enum frame_named_status why)
{
    cr_assert_eq(outcome, HELLO_ANSWER);
    cr_assert_eq(status, why);
    cr_assert_null(name_queue_front(queue));
}

Test(hello_decision, ignores_names_when_they_are_off)
{
    expect_refused(decide_plain(NAMES_OFF, "lamp"), FRAME_NAMED_UNUSED);
    expect_refused(decide_keyed(NAMES_OFF, &client.source, "lamp"), FRAME_NAMED_UNUSED);
}

Test(hello_decision, needs_no_name)
{
    expect_refused(decide_plain(NAMES_TRUSTED, ""), FRAME_NAMED_UNUSED);
    expect_refused(decide_plain(NAMES_KEYED, ""), FRAME_NAMED_UNUSED);
    cr_assert_eq(stats.bad_names + stats.refused_names + stats.bad_cookies, 0);
}

Test(hello_decision, passes_any_name_on_when_clients_are_trusted)
{
    cr_assert_eq(decide_plain(NAMES_TRUSTED, "lamp"), HELLO_WAITS);
    expect_claim("lamp");
    cr_assert_eq(decide_keyed(NAMES_TRUSTED, &client.source, "another"), HELLO_WAITS);
    expect_claim("lamp");
}

Test(hello_decision, passes_a_name_with_its_key_on)
{
    cr_assert_eq(decide_keyed(NAMES_KEYED, &client.source, "lamp"), HELLO_WAITS);
    expect_claim("lamp");
    cr_assert_eq(stats.bad_names + stats.refused_names + stats.bad_cookies, 0);
}

Test(hello_decision, refuses_a_name_without_its_key)
{
    expect_refused(decide_plain(NAMES_KEYED, "lamp"), FRAME_NAMED_WRONG_MODE);
    cr_assert_eq(stats.bad_names, 1);
    expect_refused(decide_keyed(NAMES_KEYED, &client.source, "another"), FRAME_NAMED_BAD_MAC);
    cr_assert_eq(stats.bad_names, 2);
}

Test(hello_decision, challenges_a_cookie_of_another_source_and_one_that_has_expired)
{
    struct addr other = client.source;
    static const struct siphash_key later = {3, 4}, latest = {5, 6};
    other.port++;
    cr_assert_eq(decide_keyed(NAMES_KEYED, &other, "lamp"), HELLO_CHALLENGE);
    cr_assert_eq(stats.bad_cookies, 1);
    decide_keyed(NAMES_KEYED, &client.source, "lamp");
    expect_claim("lamp");
    cookie_secrets_rotate(&secrets, &later, 10);
    cookie_secrets_rotate(&secrets, &latest, 20);
    cr_assert_eq(decide(NAMES_KEYED, 6 + COOKIE_BYTES + DEVICE_MAC_BYTES + 4), HELLO_CHALLENGE);
    cr_assert_eq(stats.bad_cookies, 2);
    cr_assert_eq(stats.bad_names, 0);
}

/* It has one claim on its way, so other clients' names do not wait for all of its own. */
Test(hello_decision, ignores_further_names_of_a_client_whose_claim_is_not_decided)
{
    cr_assert_eq(decide_plain(NAMES_TRUSTED, "lamp"), HELLO_WAITS);
    cr_assert_eq(decide_plain(NAMES_TRUSTED, "gate"), HELLO_IGNORED);
    cr_assert_eq(decide_keyed(NAMES_KEYED, &client.source, "lamp"), HELLO_IGNORED);
    cr_assert_eq(stats.late_names, 2);
    expect_claim("lamp");
    cr_assert_eq(decide_plain(NAMES_TRUSTED, "gate"), HELLO_WAITS);
    expect_claim("gate");
}

Test(hello_decision, ignores_a_name_while_the_queue_is_full)
{
    for (client.slot = 0; decide_plain(NAMES_TRUSTED, "lamp") == HELLO_WAITS; client.slot++)
        ;
    cr_assert_gt(client.slot, 5000);
    cr_assert_eq(stats.late_names, 1);
    cr_assert_eq(stats.refused_names, 0, "there may be places");
}

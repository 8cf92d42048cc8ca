/* Tests of server/names/name_orders: which orders follow from claims, and that of clients which
 * claim one name in a burst exactly one is left, the one that was answered last. */
#include "server/names/name_orders.h"

#include "base/prng.h"

#include <criterion/criterion.h>

#include <stdlib.h>
#include <string.h>

enum { WORKERS = 4, NAMES_MAX = 8, CLIENTS = 12, CLAIMS_MAX = 4096, TTL_MS = 1000 };

/* A client of worker `number % workers`, with a port of its own. */
struct fake_client {
    struct name_holder holder;
    bool is_registered;
    bool is_claiming;
    bool was_answered; /* that it has the name */
};

static struct name_orders orders;
static void *memory;
static struct fake_client clients[CLIENTS];
static uint64_t number, joined;
static uint64_t last_answered; /* the join number of the client that was answered last, or 0 */
static size_t workers;
static struct prng prng;
static bool clients_leave; /* in bursts */

/* The queues of the workers. */
static struct name_claim claims[WORKERS][CLAIMS_MAX];
static size_t added[WORKERS], taken[WORKERS];

static void set_up(void)
{
    static const struct siphash_key key = {1, 2};
    size_t bytes = (client_names_bytes(NAMES_MAX, false) + 63) / 64 * 64;
    memory = aligned_alloc(64, bytes);
    memset(memory, 0, bytes);
    workers = WORKERS;
    orders = (struct name_orders){
        .table = client_names_new(memory, NAMES_MAX, &key, 0, 0),
        .workers = calloc(WORKERS, sizeof orders.workers[0]),
        .worker_count = WORKERS,
    };
}

static void tear_down(void)
{
    free(orders.workers);
    client_names_free(orders.table);
    free(memory);
}

TestSuite(name_orders, .init = set_up, .fini = tear_down);

static void join(size_t i)
{
    const struct addr source = {
        .family = ADDR_IPV4, .ip = {192, 0, 2, 1}, .port = (uint16_t)(1000 + i)};
    clients[i] = (struct fake_client){
        .holder = {.key = client_key_of(0, &source),
                   .join_number = ++joined,
                   .worker = (uint32_t)(i % workers)},
        .is_registered = true,
    };
}

/* The registered client of a holder, or NULL. */
static struct fake_client *find(const struct name_holder *holder)
{
    for (size_t i = 0; i < CLIENTS; i++)
        if (clients[i].is_registered && clients[i].holder.join_number == holder->join_number)
            return &clients[i];
    return NULL;
}

static struct name_claim claim_of(size_t i, const char *name)
{
    struct name_claim claim = {
        .holder = clients[i].holder, .check_ms = TTL_MS, .slot = (uint32_t)i};
    claim.holder.number = ++number;
    cr_assert_null(device_name_set(&claim.name, name, strlen(name)));
    return claim;
}

static bool decide(size_t i, const char *name)
{
    struct name_claim claim = claim_of(i, name);
    return name_orders_claim(&orders, &claim);
}

/* ---- the workers ---- */

/* A client is not registered any more, and its worker says so after what it has claimed. */
static void end_client(struct fake_client *client)
{
    size_t worker = client->holder.worker;
    client->is_registered = false;
    if (added[worker] == CLAIMS_MAX)
        return;
    struct name_claim gone = {.holder = client->holder, .is_gone = true};
    gone.holder.join_number++;
    claims[worker][added[worker]++] = gone;
}

static void run_order(struct name_order *order)
{
    struct fake_client *client = find(&order->holder);
    order->is_registered = client != NULL;
    order->check_ms = TTL_MS * 1000;
    if (order->kind == NAME_ORDER_ANSWER || order->kind == NAME_ORDER_IGNORE)
        clients[order->slot].is_claiming = false;
    if (order->kind == NAME_ORDER_ANSWER && order->status == FRAME_NAMED_GIVEN && client != NULL) {
        client->was_answered = true;
        last_answered = order->holder.join_number;
    }
    if (order->kind == NAME_ORDER_REMOVE && client != NULL)
        end_client(client);
    if (order->kind == NAME_ORDER_REMOVE)
        order->number = ++number;
}

/* A batch goes to its worker. */
static void post(struct name_batch *batch)
{
    if (name_orders_is_ready(batch))
        batch->is_posted = true;
}

/* Its worker runs it, and it comes back. Returns false if it is not with its worker. */
static bool run(struct name_batch *batch)
{
    if (!batch->is_posted)
        return false;
    for (size_t i = 0; i < batch->count; i++)
        run_order(&batch->orders[i]);
    name_orders_came_back(batch);
    return true;
}

static void post_all(void)
{
    for (size_t i = 0; i < workers; i++) {
        post(&orders.workers[i].removals);
        post(&orders.workers[i].others);
    }
}

/* Everything that was ordered is done. */
static void run_all(void)
{
    bool any = true;
    while (any) {
        name_orders_continue(&orders, 0);
        post_all();
        any = false;
        for (size_t i = 0; i < workers; i++) {
            any |= run(&orders.workers[i].removals);
            any |= run(&orders.workers[i].others);
        }
    }
}

/* ---- */

static void join_all(void)
{
    for (size_t i = 0; i < CLIENTS; i++)
        join(i);
}

static void expect_holder(const char *text, size_t i)
{
    struct device_name name;
    struct name_holder holder;
    device_name_set(&name, text, strlen(text));
    cr_assert(client_names_find(orders.table, &name, &holder));
    cr_assert_eq(holder.join_number, clients[i].holder.join_number);
}

Test(name_orders, answers_a_client_that_moves_a_name_once_the_former_one_is_removed)
{
    join_all();
    decide(0, "lamp");
    run_all();
    cr_assert_eq(last_answered, clients[0].holder.join_number);
    decide(1, "lamp");
    expect_holder("lamp", 1);
    cr_assert_eq(orders.workers[0].removals.count, 1);
    cr_assert_eq(orders.workers[1].others.count, 0);
    run_all();
    cr_assert_not(clients[0].is_registered);
    cr_assert_eq(last_answered, clients[1].holder.join_number);
}

Test(name_orders, leaves_the_name_to_its_client_when_the_former_one_claims_it_before_its_removal)
{
    join_all();
    decide(0, "lamp");
    run_all();
    decide(1, "lamp");
    decide(0, "lamp");
    struct name_claim queued = claim_of(0, "lamp"); /* decided when it is removed */
    run_all();
    name_orders_claim(&orders, &queued);
    run_all();
    expect_holder("lamp", 1);
    cr_assert_not(clients[0].is_registered);
    cr_assert(clients[1].is_registered);
    cr_assert_eq(last_answered, clients[1].holder.join_number);
}

Test(name_orders, takes_no_claim_without_room_for_its_order)
{
    join_all();
    decide(0, "lamp");
    run_all();
    orders.workers[1].others.is_posted = true;
    cr_assert_not(decide(1, "gate"));
    orders.workers[1].others.is_posted = false;
    orders.workers[0].removals.is_posted = true;
    cr_assert_not(decide(1, "lamp"), "the other client could not be removed");
    cr_assert(decide(1, "gate"));
    cr_assert_eq(client_names_count(orders.table), 2);
}

Test(name_orders, leaves_checks_a_share_of_each_batch)
{
    join_all();
    decide(0, "lamp");
    run_all();
    orders.is_checking = true;
    orders.workers[0].others.is_posted = true;
    name_orders_continue(&orders, TTL_MS + 200);
    cr_assert(orders.is_checking && orders.has_due, "the check waits for its worker");
    orders.workers[0].others.is_posted = false;
    while (decide(4, "gate"))
        ;
    cr_assert_eq(orders.workers[0].others.count, NAME_ORDERS_MAX);
    post_all();
    run(&orders.workers[0].others);
    name_orders_continue(&orders, TTL_MS + 200);
    cr_assert_eq(orders.workers[0].others.count, 1);
    cr_assert_eq(orders.workers[0].others.orders[0].kind, NAME_ORDER_CHECK);
}

Test(name_orders, forgets_the_name_of_a_client_that_is_gone)
{
    join_all();
    decide(0, "lamp");
    run_all();
    clients[0].is_registered = false;
    orders.is_checking = true;
    name_orders_continue(&orders, TTL_MS + 200);
    run_all();
    cr_assert_eq(client_names_count(orders.table), 0);
}

/* ---- bursts ---- */

static size_t random_below(size_t end)
{
    return (size_t)(prng_next(&prng) % end);
}

static void claim_at_random(void)
{
    size_t i = random_below(CLIENTS), worker = i % workers;
    if (!clients[i].is_registered)
        join(i);
    else if (!clients[i].is_claiming && added[worker] < CLAIMS_MAX) {
        clients[i].is_claiming = true;
        claims[worker][added[worker]++] = claim_of(i, "lamp");
    }
}

static void leave_at_random(void)
{
    size_t i = random_below(CLIENTS);
    if (clients[i].is_registered && random_below(8) == 0)
        end_client(&clients[i]);
}

/* As server/names/name_decisions does. */
static bool handle(const struct name_claim *claim)
{
    if (!claim->is_gone)
        return name_orders_claim(&orders, claim);
    client_names_remove(orders.table, &claim->holder.key, claim->holder.worker,
                        claim->holder.join_number);
    return true;
}

static void take_claims(size_t worker)
{
    while (taken[worker] < added[worker] && handle(&claims[worker][taken[worker]]))
        taken[worker]++;
}

static bool has_claims(void)
{
    for (size_t i = 0; i < workers; i++)
        if (taken[i] < added[i])
            return true;
    return false;
}

/* The main thread and the workers do something, in any order. */
static void act_at_random(void)
{
    size_t worker = random_below(workers);
    switch (random_below(clients_leave ? 7 : 6)) {
    case 0:
        take_claims(worker);
        break;
    case 1:
        post_all();
        break;
    case 2:
        run(&orders.workers[worker].removals);
        break;
    case 3: /* its removals were handed over first */
        if (!orders.workers[worker].removals.is_posted)
            run(&orders.workers[worker].others);
        break;
    case 4:
        name_orders_continue(&orders, 0);
        break;
    case 6:
        leave_at_random();
        break;
    default:
        claim_at_random();
    }
}

/* Of the clients that got the answer that they have the name, only the last one is registered, and
 * the name leads to it. */
static void expect_one_holder(void)
{
    size_t last = CLIENTS, left = 0;
    for (size_t i = 0; i < CLIENTS; i++) {
        if (clients[i].holder.join_number == last_answered && clients[i].is_registered)
            last = i;
        left += clients[i].was_answered && clients[i].is_registered;
    }
    cr_assert_eq(left, 1, "%zu clients are left", left);
    cr_assert_lt(last, CLIENTS, "the client that was answered last is gone");
    expect_holder("lamp", last);
}

/* The client that was answered last has the name, unless it has left: then no client does that was
 * answered, and the name is free. */
static void expect_one_holder_or_none(void)
{
    struct device_name name;
    struct name_holder holder;
    cr_assert_null(device_name_set(&name, "lamp", 4));
    bool has_holder = client_names_find(orders.table, &name, &holder);
    if (has_holder)
        cr_assert(find(&holder) != NULL && find(&holder)->was_answered, "a client that is gone");
    cr_assert_eq(client_names_count(orders.table), has_holder);
    for (size_t i = 0; i < CLIENTS; i++)
        if (clients[i].is_registered && clients[i].was_answered)
            cr_assert(has_holder && holder.join_number == clients[i].holder.join_number,
                      "the name of client %zu has another one", i);
}

static void burst(uint64_t seed)
{
    prng_init(&prng, seed);
    workers = seed % 2 == 0 ? 1 : WORKERS;
    memset(added, 0, sizeof added);
    memset(taken, 0, sizeof taken);
    last_answered = 0;
    join_all();
    for (int i = 0; i < 300; i++)
        act_at_random();
    do {
        for (size_t i = 0; i < workers; i++)
            take_claims(i);
        run_all();
    } while (has_claims());
    if (clients_leave)
        expect_one_holder_or_none();
    else
        expect_one_holder();
}

Test(name_orders, leaves_exactly_the_client_that_was_answered_last_after_any_burst)
{
    for (uint64_t seed = 0; seed < 2000; seed++) {
        tear_down();
        set_up();
        burst(seed);
    }
}

Test(name_orders,
     leaves_no_second_client_and_no_name_of_a_gone_one_where_clients_leave_in_the_burst)
{
    clients_leave = true;
    for (uint64_t seed = 0; seed < 2000; seed++) {
        tear_down();
        set_up();
        burst(seed);
    }
}

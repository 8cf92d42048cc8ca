/* Tests of server/names/client_argument: an address, or @ and a name. */
#include "server/names/client_argument.h"

#include <criterion/criterion.h>

#include <stdlib.h>
#include <string.h>

static struct client_names *names;
static void *memory;
static struct client_argument argument;

static void set_up(void)
{
    static const struct siphash_key key = {1, 2};
    const struct addr source = {.family = ADDR_IPV4, .ip = {192, 0, 2, 1}, .port = 4000};
    const struct name_holder holder = {.key = client_key_of(2, &source), .join_number = 77};
    struct device_name name;
    struct name_holder before;
    size_t bytes = (client_names_bytes(1, false) + 63) / 64 * 64;
    memory = aligned_alloc(64, bytes);
    memset(memory, 0, bytes);
    names = client_names_new(memory, 1, &key, 0, 0);
    device_name_set(&name, "front gate", 10);
    client_names_claim(names, &name, &holder, 0, 1000, &before);
}

static void tear_down(void)
{
    client_names_free(names);
    free(memory);
}

TestSuite(client_argument, .init = set_up, .fini = tear_down);

static bool admits(uint8_t listener, uint64_t join_number)
{
    const struct client client = {.listener = listener, .join_number = join_number};
    return client_filter_admits(&argument.only, &client);
}

Test(client_argument, is_an_address_with_any_of_its_clients)
{
    char text[TRANSPORT_TEXT_BYTES];
    cr_assert_null(client_argument_parse(&argument, names, "tcp:192.0.2.7:5"));
    cr_assert_str_eq(client_name_format(&argument.address, text), "tcp:192.0.2.7:5");
    cr_assert(admits(0, 1));
    cr_assert(admits(2, 77));
    cr_assert_not_null(client_argument_parse(&argument, names, "nonsense"));
}

Test(client_argument, is_a_name_with_the_client_that_has_it_and_no_other)
{
    char text[TRANSPORT_TEXT_BYTES];
    cr_assert_null(client_argument_parse(&argument, names, "@front\\x20gate"));
    cr_assert_str_eq(client_name_format(&argument.address, text), "192.0.2.1:4000");
    cr_assert(admits(2, 77));
    cr_assert_not(admits(1, 77));
    cr_assert_not(admits(2, 78));
}

Test(client_argument, says_why_a_name_leads_nowhere)
{
    cr_assert_str_eq(client_argument_parse(&argument, names, "@nobody"), "no client has that name");
    cr_assert_str_eq(client_argument_parse(&argument, names, "@"), "the name is empty");
    cr_assert_str_eq(client_argument_parse(&argument, NULL, "@nobody"),
                     "clients have no names, since clients.names is off");
}

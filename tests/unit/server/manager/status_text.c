/* The status of the server as a sentence. */
#include "server/manager/status_text.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

static struct listeners listeners;
static char text[STATUS_TEXT_BYTES];

static void add(const char *address, bool missing)
{
    struct listener *listener = &listeners.list[listeners.count++];
    snprintf(listener->text, sizeof listener->text, "%s", address);
    listener->missing = missing;
}

Test(status_text, names_the_number_of_clients_and_the_addresses)
{
    add("127.0.0.1:3000", false);
    add("tcp:[::1]:3000", false);
    cr_expect_str_eq(status_text(text, &listeners, 0),
                     "0 clients at 127.0.0.1:3000 tcp:[::1]:3000");
    cr_expect_str_eq(status_text(text, &listeners, 1), "1 client at 127.0.0.1:3000 tcp:[::1]:3000");
}

Test(status_text, names_the_addresses_that_are_missing)
{
    add("127.0.0.1:3000", false);
    add("10.0.0.1:3000", true);
    cr_expect_str_eq(status_text(text, &listeners, 3),
                     "3 clients at 127.0.0.1:3000; waiting for 10.0.0.1:3000");
    listeners.list[0].missing = true;
    cr_expect_str_eq(status_text(text, &listeners, 3),
                     "3 clients; waiting for 127.0.0.1:3000 10.0.0.1:3000");
}

Test(status_text, is_one_printable_line)
{
    add("unix:/tmp/a\nREADY=1\x80", false);
    cr_expect_str_eq(status_text(text, &listeners, 0), "0 clients at unix:/tmp/a\\nREADY=1\\x80");
}

Test(status_text, counts_the_addresses_that_do_not_fit)
{
    char longest[CONFIG_LISTEN_TEXT_BYTES];
    memset(longest, '\x01', sizeof longest);
    longest[sizeof longest - 1] = '\0';
    for (int i = 0; i < CONFIG_LISTEN_MAX; i++)
        add(longest, i % 2 == 1);
    status_text(text, &listeners, UINT64_MAX);
    cr_expect_lt(strlen(text), STATUS_TEXT_BYTES);
    cr_expect_not_null(strstr(text, " and 31 more; waiting for"), "%s", text);
    cr_expect_str_eq(strrchr(text, 'a'), "and 32 more");
}

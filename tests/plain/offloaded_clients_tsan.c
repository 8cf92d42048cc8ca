/* Offloaded clients under ThreadSanitizer: threads renew clients in their records as the program in
 * the kernel does, while the registry sweeps, ends and begins records. It is a program of its own
 * because Criterion crashes when it is built with -fsanitize=thread. Prints one line; exits with 0
 * if no client was evicted too early. */
#include "../unit/fixtures/offload_race_fixture.h"

#include <stdbool.h>
#include <stdio.h>

enum { DATAGRAMS = 200000 };

int main(void)
{
    static struct race race;
    race_run(&race, DATAGRAMS);
    bool good = race_is_good(&race);
    printf("offloaded clients: %llu datagrams answered by the program, %llu over sockets, %llu "
           "expired, %llu of them too early: %s\n",
           (unsigned long long)race.answered, (unsigned long long)race.over_sockets,
           (unsigned long long)race.expired, (unsigned long long)race.too_early,
           good ? "good" : "BAD");
    return good ? 0 : 1;
}

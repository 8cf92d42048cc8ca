/* Sets and restores net.core.wmem_max, the limit of send buffers. */
#include "wmem.h"

#include <stdio.h>

static const char PATH[] = "/proc/sys/net/core/wmem_max";

const char *const wmem_unprivileged_wrapper[] = {
    "setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", "--bounding-set=-all", NULL};

static char saved[32];
static int host_netns = -1; /* the only network namespace where wmem_max can be set */

static bool write_text(const char *text)
{
    FILE *file = fopen(PATH, "we");
    bool written = file != NULL && fputs(text, file) != EOF;

    return file != NULL && fclose(file) == 0 && written;
}

void wmem_set(const char *bytes)
{
    FILE *file = fopen(PATH, "re");

    expect(file != NULL && fgets(saved, sizeof saved, file) != NULL, "expected %s", PATH);
    fclose(file);
    host_netns = netns_here();
    if (!write_text(bytes))
        cr_skip_test("net.core.wmem_max cannot be set here");
    harness_disable_leak_check();
}

void wmem_end(void)
{
    if (host_netns >= 0) {
        netns_switch(host_netns);
        (void)write_text(saved);
    }
    harness_end();
}

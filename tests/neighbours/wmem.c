/* The bound of send buffers, net.core.wmem_max. */
#include "wmem.h"

#include <stdio.h>

static const char PATH[] = "/proc/sys/net/core/wmem_max";

const char *const wmem_as_nobody[] = {"setpriv",        "--reuid=65534",       "--regid=65534",
                                      "--clear-groups", "--bounding-set=-all", NULL};

static char before[32];
static int host = -1; /* its namespace: only there can it be set */

static bool write_text(const char *text)
{
    FILE *file = fopen(PATH, "we");
    bool written = file != NULL && fputs(text, file) != EOF;

    return file != NULL && fclose(file) == 0 && written;
}

void wmem_set(const char *bytes)
{
    FILE *file = fopen(PATH, "re");

    expect(file != NULL && fgets(before, sizeof before, file) != NULL, "expected %s", PATH);
    fclose(file);
    host = netns_here();
    if (!write_text(bytes))
        cr_skip_test("net.core.wmem_max can't be set here");
    harness_forgo_leaks();
}

void wmem_end(void)
{
    if (host >= 0) {
        netns_switch(host);
        (void)write_text(before);
    }
    harness_end();
}

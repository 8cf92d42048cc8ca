/* Tests of the HTML report in a browser. */

#include "harness.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum {
    BROWSER_DEADLINE_MS = 90000, /* a browser's first start may take long */
};

TestSuite(system_udpload_page, .fini = harness_end, .timeout = 150);

/* Returns the name of a browser, or skips the test. */
static const char *browser(void)
{
    struct result found = run(NULL, "sh", "-c",
                              "for name in chromium chromium-browser google-chrome; do "
                              "command -v $name && exit 0; done; exit 1",
                              NULL);
    if (found.status != 0)
        cr_skip_test("no browser is installed (Debian's package: chromium)");
    if (run(NULL, "python3", "-c", "", NULL).status != 0)
        cr_skip_test("python3 does not run here");
    return harness_format("%.*s", (int)strcspn(found.out, "\n"), found.out);
}

/* Checks a page in the browser. Returns 0 if it has no errors. */
static int check_page(const char *page, const char **errors)
{
    struct process process;
    int64_t deadline_ms = harness_now_ms() + BROWSER_DEADLINE_MS;
    const char *const argv[] = {
        "python3", "tests/system/udpload/page.py", browser(), harness_path("profile"), page, NULL};

    process_start(&process, NULL, argv);
    process_close_stdin(&process);
    while (process.pidfd >= 0 && harness_now_ms() < deadline_ms)
        process_pump(&process, (int)(deadline_ms - harness_now_ms()));
    int status = process_wait(&process);
    *errors = harness_format("%s%s", process.texts[0].data ? process.texts[0].data : "",
                             process.texts[1].data ? process.texts[1].data : "");
    return status;
}

static void expect_clean(const char *page)
{
    const char *errors;
    int status = check_page(page, &errors);
    expect(status == 0, "the page has errors:\n%s", errors);
    harness_contains("the output of page.py", errors, "on 4 screens");
}

static const char *load(const char *message, const char *expected)
{
    struct server server = {0};
    const char *page = harness_path("report.html");

    server_start(&server, NULL, "-l", "127.0.0.1:0", NULL);
    struct result result =
        run(NULL, "udpload", "-c", "50", "-Q", "2000", "-l", "1", "-S", "200ms", "-m", message,
            "--expect", expected, "--html", page, endpoint_text(&server.at[0]), NULL);
    /* 3: the sender did not keep up, which does not affect the page. */
    expect(result.status == 0 || result.status == 3, "expected a report, udpload printed: %s%s",
           result.out, result.err);
    server_stop(&server);
    return page;
}

Test(system_udpload_page, opens_without_errors_and_shows_its_charts)
{
    browser();
    expect_clean(load("hello", "audi,toyota,bmw"));
}

Test(system_udpload_page, escapes_texts_that_contain_markup)
{
    static const char hostile[] = "</script><script>throw 1</script><!-- \" ' & \xff\xed\xa0\x80";
    browser();
    expect_clean(load(hostile, "audi,toyota,bmw,</script><script>throw 2</script>"));
}

Test(system_udpload_page, fails_the_check_if_it_throws_or_loads_something)
{
    static const char broken[] = "<script>throw new Error('broken')</script>"
                                 "<img src=\"missing.png\" alt=\"\">";
    const char *page, *errors;
    browser();
    page = load("hello", "audi,toyota,bmw");
    FILE *file = fopen(page, "ae");
    expect(file != NULL && fputs(broken, file) >= 0 && fclose(file) == 0, "%s: %s", page,
           strerror(errno));
    expect(check_page(page, &errors) == 1, "expected errors, there is:\n%s", errors);
    harness_contains("errors", errors, "exception: Error: broken");
    harness_contains("errors", errors, "missing.png");
}

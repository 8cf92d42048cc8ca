/* Tests of the HTML report, without its script. */
#include "load/report/page/report_html.h"

#include "load/report/report_json.h"
#include "load_report_fixture.h"

#include <criterion/criterion.h>

#include <stdlib.h>
#include <string.h>

static size_t count_of(const char *text, const char *part)
{
    size_t count = 0;
    for (; (text = strcasestr(text, part)); text += strlen(part))
        count++;
    return count;
}

static const char *data_of(const char *page)
{
    const char *start = strstr(page, "id=\"data\">");
    cr_assert_not_null(start);
    return start + strlen("id=\"data\">");
}

static void replace(char **text, const char *with)
{
    free(*text);
    *text = strdup(with);
}

Test(report_html, loads_nothing)
{
    static const char *const loading[] = {"src=",   "@import", "url(",
                                          "fetch(", "import(", "XMLHttpRequest"};
    struct load_result result = report_sample();
    char *page = report_print(report_html, &result);
    for (size_t i = 0; i < sizeof loading / sizeof *loading; i++)
        cr_assert_eq(count_of(page, loading[i]), 0, "%s", loading[i]);
    cr_assert_eq(count_of(page, "href="), 1);
    cr_assert_eq(count_of(page, "href=\"data:,\""), 1);
    /* The only URL is the name of the SVG namespace, which is not loaded. */
    cr_assert_eq(count_of(page, "http:"), count_of(page, "'http://www.w3.org/2000/svg'"));
    cr_assert_eq(count_of(page, "https:"), 0);
    cr_assert_not_null(strstr(page, "content=\"default-src 'none';"));
    free(page);
    load_result_free(&result);
}

Test(report_html, embeds_the_json_report_itself)
{
    struct load_result result = report_sample();
    char *page = report_print(report_html, &result), *json = report_print(report_json, &result);
    cr_assert_not_null(strstr(data_of(page), json));
    const char *end = report_json_value(data_of(page));
    cr_assert_not_null(end);
    cr_assert_eq(strncmp(end, "\n</script>", strlen("\n</script>")), 0);
    free(page);
    free(json);
    load_result_free(&result);
}

Test(report_html, has_verdict_numbers_and_settings_without_its_script)
{
    static const char *const parts[] = {
        "sender kept up: yes",
        "attribution: exact",
        "rotation: even",
        ">1,000,000<",
        ">998,246<",
        ">1,752<",
        "158,334.975",
        "189.439",
        "id=\"over-time\"",
        "id=\"by-percentile\"",
        "id=\"rate\"",
        "127.0.0.1:3000",
        "udpload -c 1000",
        "Linux 6.1.0-18-amd64",
        "2026-01-31T12:00:00Z",
        "name=\"viewport\"",
        "prefers-color-scheme",
        "@media print",
        "Fan-out",
        "Confirmations",
        "datagrams a client</th><td>1.186<",
        "<noscript>",
        "lang=\"en\"",
    };
    struct load_result result = report_sample();
    char *page = report_print(report_html, &result);
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++)
        cr_assert_not_null(strstr(page, parts[i]), "no %s", parts[i]);
    free(page);
    load_result_free(&result);
}

Test(report_html, shows_negative_verdicts_with_their_reason)
{
    struct load_result result = report_sample();
    result.kept_up = result.exact = result.rotation_even = false;
    result.stopped_early = true;
    result.why_not = "lag > 3 ms";
    char *page = report_print(report_html, &result);
    cr_assert_not_null(strstr(page, "sender kept up: no <small>lag &gt; 3 ms</small>"));
    cr_assert_not_null(strstr(page, "attribution: by order"));
    cr_assert_not_null(strstr(page, "rotation: uneven"));
    cr_assert_not_null(strstr(page, "stopped early"));
    free(page);
    load_result_free(&result);
}

Test(report_html, escapes_all_texts)
{
    struct load_result plain = report_sample(), hostile = report_sample();
    replace(&hostile.command, report_hostile());
    replace(&hostile.host, report_hostile());
    replace(&hostile.target, report_hostile());
    replace(&hostile.replies[0].message, report_hostile());
    char *expected = report_print(report_html, &plain), *page = report_print(report_html, &hostile);
    cr_assert_eq(count_of(page, "<script"), count_of(expected, "<script"));
    cr_assert_eq(count_of(page, "</script"), count_of(expected, "</script"));
    cr_assert_eq(count_of(page, "<!--"), 0);
    cr_assert_eq(count_of(page, "<"), count_of(expected, "<"), "no text makes markup");
    const char *end = report_json_value(data_of(page));
    cr_assert_not_null(end);
    cr_assert_eq(strncmp(end, "\n</script>", strlen("\n</script>")), 0);
    free(expected);
    free(page);
    load_result_free(&plain);
    load_result_free(&hostile);
}

Test(report_html, is_complete_for_a_run_without_replies)
{
    struct load_result result = report_empty();
    char *page = report_print(report_html, &result);
    cr_assert_not_null(report_json_value(data_of(page)));
    cr_assert_not_null(strstr(page, "{\"curve\": [],"));
    cr_assert_not_null(strstr(page, "</html>\n"));
    free(page);
    load_result_free(&result);
}

Test(report_html, draws_each_curve_up_to_its_maximum)
{
    struct load_result result = report_empty();
    histogram_add(&result.corrected, 5000);
    histogram_add(&result.corrected, 8000);
    histogram_add(&result.corrected, 9000);
    char *page = report_print(report_html, &result);
    const char *curve = report_json_member(data_of(page), "curve");
    cr_assert_not_null(curve);
    const char *end = report_json_value(curve);
    cr_assert_eq(strncmp(end - strlen("[3,9.000,null]]"), "[3,9.000,null]]", 15), 0, "%.200s",
                 curve);
    free(page);
    load_result_free(&result);
}

Test(report_html, returns_the_error_of_a_failed_write)
{
    report_expect_error(report_html);
}

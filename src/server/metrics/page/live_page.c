#include "server/metrics/page/live_page.h"

#include "base/stats.h"
#include "page/chart_drawing.h"
#include "page/chart_scales.h"
#include "page/chart_table_style.h"
#include "page/page_style.h"
#include "server/metrics/page/live_markup.h"
#include "server/metrics/page/live_script.h"
#include "server/metrics/page/live_style.h"

#include <errno.h>
#include <string.h>

static void add_strings(struct text_buffer *text, const char *const *strings)
{
    for (; *strings != NULL; strings++)
        text_buffer_add(text, *strings);
}

static void add_meanings(struct text_buffer *text)
{
    text_buffer_add(text, "const MEANINGS = {\n");
    for (size_t i = 0; i < STATS_COUNT; i++) {
        text_buffer_format(text, "  %s: ", stats_name(i));
        text_buffer_add_json(text, stats_meaning(i), strlen(stats_meaning(i)));
        text_buffer_add(text, ",\n");
    }
    text_buffer_add(text, "};\n");
}

int live_page_make(struct live_page *page)
{
    *page = (struct live_page){.markup = {.bytes = NULL}};
    add_strings(&page->markup, LIVE_MARKUP);
    add_strings(&page->style, PAGE_STYLE);
    add_strings(&page->style, CHART_TABLE_STYLE);
    add_strings(&page->style, LIVE_STYLE);
    add_strings(&page->script, CHART_SCALES);
    add_strings(&page->script, CHART_DRAWING);
    add_meanings(&page->script);
    add_strings(&page->script, LIVE_SCRIPT);
    return page->markup.failed || page->style.failed || page->script.failed ? -ENOMEM : 0;
}

void live_page_free(struct live_page *page)
{
    text_buffer_free(&page->markup);
    text_buffer_free(&page->style);
    text_buffer_free(&page->script);
}

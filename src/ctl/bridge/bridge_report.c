#include "ctl/bridge/bridge_report.h"

#include "os/log/error_message.h"
#include "text/printable.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>

__attribute__((format(printf, 1, 2))) static void print_line(const char *format, ...)
{
    char text[1024], shown[1024];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    printable_line(shown, sizeof shown, text);
    puts(shown);
    fflush(stdout);
}

void bridge_report_begin(const char *stream, const char *url, const struct entry_id *after)
{
    char id[ENTRY_ID_TEXT_BYTES];
    print_line("publishing %s of %s after %s", stream, url, entry_id_format(after, id));
}

void bridge_report_entry(const char *stream, const struct entry_id *id, const char *why,
                         const char *next)
{
    char text[ENTRY_ID_TEXT_BYTES];
    print_error(why, next, "publishing the entry %s of the stream %s", entry_id_format(id, text),
                stream);
}

static void report_epoch(const char *stream, const struct stream_gap *gap, const char *next)
{
    char after[ENTRY_ID_TEXT_BYTES];
    print_error("it is not the stream that was read before: it has fewer entries added, or a lower "
                "last id",
                next, "reading the stream %s after the entry %s", stream,
                entry_id_format(&gap->after, after));
}

void bridge_report_gap(const char *stream, const struct stream_gap *gap, const char *next)
{
    char why[128], after[ENTRY_ID_TEXT_BYTES], before[ENTRY_ID_TEXT_BYTES];
    if (gap->kind == STREAM_GAP_EPOCH) {
        report_epoch(stream, gap, next);
        return;
    }
    snprintf(why, sizeof why, "%" PRIu64 " entries or more were removed before they were read",
             gap->missing);
    print_error(why, next, "reading the stream %s after the entry %s%s%s", stream,
                entry_id_format(&gap->after, after), gap->has_before ? " and before " : "",
                gap->has_before ? entry_id_format(&gap->before, before) : "");
}

void bridge_report_uncounted(const char *stream, const char *reason)
{
    print_error(reason, "the metrics of the server do not have the gap; upgrade the server",
                "reporting a gap of the stream %s to the server", stream);
}

void bridge_report_volatile(const char *stream)
{
    print_error("the server has no state file, so it does not know the last entry after a restart",
                "set state.file in udpsrv.conf(5)", "publishing the stream %s", stream);
}

void bridge_report_end(const char *stream, const struct bridge_counts *counts)
{
    print_line("ended %s published=%" PRIu64 " duplicates=%" PRIu64 " skipped=%" PRIu64
               " uncertain=%" PRIu64 " missing=%" PRIu64 " epochs=%" PRIu64 " appended=%" PRIu64
               " lost=%" PRIu64,
               stream, counts->published, counts->duplicates, counts->skipped, counts->uncertain,
               counts->missing, counts->epochs, counts->appended, counts->lost);
}

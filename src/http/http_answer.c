#include "http/http_answer.h"

#include "http/http_date.h"

static const struct {
    int status;
    const char *reason;
} REASONS[] = {
    {200, "OK"},
    {400, "Bad Request"},
    {403, "Forbidden"},
    {404, "Not Found"},
    {405, "Method Not Allowed"},
    {408, "Request Timeout"},
    {413, "Content Too Large"},
    {414, "URI Too Long"},
    {417, "Expectation Failed"},
    {421, "Misdirected Request"},
    {431, "Request Header Fields Too Large"},
    {500, "Internal Server Error"},
    {501, "Not Implemented"},
    {503, "Service Unavailable"},
    {505, "HTTP Version Not Supported"},
};

const char *http_answer_reason(int status)
{
    for (size_t i = 0; i < sizeof REASONS / sizeof *REASONS; i++)
        if (REASONS[i].status == status)
            return REASONS[i].reason;
    return "Unknown";
}

void http_answer_add_head(struct text_buffer *text, const struct http_answer *answer)
{
    char date[HTTP_DATE_BYTES];
    text_buffer_format(text,
                       "HTTP/1.1 %d %s\r\n"
                       "Date: %s\r\n"
                       "Content-Type: %s\r\n"
                       "Content-Length: %zu\r\n"
                       "Cache-Control: no-store\r\n"
                       "X-Content-Type-Options: nosniff\r\n",
                       answer->status, http_answer_reason(answer->status),
                       http_date_format(answer->wall_ms, date), answer->type, answer->length);
    if (answer->fields != NULL)
        text_buffer_add(text, answer->fields);
    if (answer->connection != NULL)
        text_buffer_format(text, "Connection: %s\r\n", answer->connection);
    text_buffer_add(text, "\r\n");
}

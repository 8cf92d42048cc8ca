#include "ctl/output/output_error.h"

#include "ctl/output/json.h"
#include "os/log/error_message.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

int output_error(bool json, const char *text)
{
    if (!json) {
        fflush(stdout);
        print_error_text(text, NULL);
        return 1;
    }
    fputs("{\"error\":", stdout);
    json_string(stdout, text);
    fputs("}\n", stdout);
    return 1;
}

int output_finish(int status)
{
    if (fflush(stdout) == 0 && !ferror(stdout))
        return status;
    if (errno == EPIPE)
        return status;
    print_error(strerror(errno), "part of the output is lost: free space there",
                "writing standard output");
    return status ? status : 1;
}

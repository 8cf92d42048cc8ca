#include "sim/world/settings.h"
#include "sim/core/broken.h"

#include "sim/check/model.h"
#include "sim/core/draw.h"
#include "sim/core/event_queue.h"
#include "sim/core/trace.h"
#include "sim/os/files.h"
#include "sim/world/clients.h"
#include "sim/world/metrics_settings.h"
#include "sim/world/offload_settings.h"
#include "sim/world/reductions.h"
#include "sim/world/state_settings.h"
#include "sim/world/swarm.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define NAMES_KEY_PATH "/etc/names.key"

enum { RELAY_CLIENTS_MAX = 100, UNUSED_BLOCKS = 1000 };

struct setup setup;
struct settings settings, next_settings;
bool settings_change, settings_may_relay;
uint32_t settings_queue_max;
enum client_count settings_clients;
const char *const settings_log_levels[] = {"error", "warning", "info", "debug"};
const char *const settings_log_formats[] = {"text", "logfmt", "json"};
const char *const settings_log_targets[] = {"stderr", "syslog"};
static unsigned last_generation, applied_count, applied_by_successor;
static uint64_t applied_ms;
struct settings_file settings_file;

/* ---- drawing ---- */

static uint64_t pick(const uint64_t *values, size_t count)
{
    return values[draw_below(DRAW_SETUP, count)];
}

#define PICK(...)                         \
    pick((const uint64_t[]){__VA_ARGS__}, \
         sizeof((const uint64_t[]){__VA_ARGS__}) / sizeof(uint64_t))

static bool one_in(uint64_t n)
{
    return draw_below(DRAW_SETUP, n) == 0;
}

static const struct drawn_listener candidates[] = {
    {.kind = LISTEN_UDP, .text = "127.0.0.1:3000"},
    {.kind = LISTEN_UDP, .text = "[::1]:3000"},
    {.kind = LISTEN_UDP, .text = "0.0.0.0:3001"},
    {.kind = LISTEN_UDP, .text = "[::]:3001"},
    {.kind = LISTEN_UDP, .text = "192.0.2.1:3002"},
    {.kind = LISTEN_UDP, .text = "198.51.100.1:3003"},
    {.kind = LISTEN_UDP, .text = "[fe80::1%eth0]:3004", .zone = HOST_ETH0},
    {.kind = LISTEN_GROUP, .text = "239.1.2.3%eth0:3005", .zone = HOST_ETH0},
    {.kind = LISTEN_GROUP, .text = "239.1.2.4%eth0:3002", .zone = HOST_ETH0},
    {.kind = LISTEN_GROUP, .text = "239.1.2.5:3008"},
    {.kind = LISTEN_GROUP, .text = "[ff02::5%eth0]:3004", .zone = HOST_ETH0},
    {.kind = LISTEN_GROUP, .text = "[ff05::5]:3010"},
    {.kind = LISTEN_TCP, .text = "tcp:127.0.0.1:3006"},
    {.kind = LISTEN_TCP, .text = "tcp:0.0.0.0:3007"},
    {.kind = LISTEN_TCP, .text = "tcp:192.0.2.1:3011"},
    {.kind = LISTEN_TCP, .text = "tcp:[fe80::1%eth0]:3012", .zone = HOST_ETH0},
    {.kind = LISTEN_UNIX, .text = "unix:/run/clients.sock", .path = "/run/clients.sock"},
};

static void parse_address(struct drawn_listener *listener)
{
    char zone[ADDR_ZONE_BYTES];
    const char *text = listener->kind == LISTEN_TCP ? listener->text + 4 : listener->text;
    if (listener->kind != LISTEN_UNIX && addr_parse(&listener->addr, zone, text, 0) != NULL)
        broken_promise("the simulator itself", "the address %s is wrong", text);
}

static void draw_listeners(void)
{
    enum { CANDIDATES = sizeof candidates / sizeof candidates[0] };
    uint64_t chosen = draw(DRAW_SETUP) & draw(DRAW_SETUP);
    _Static_assert(CANDIDATES <= 32, "the upper bits choose no listener");
    setup.has_chunks = (chosen >> 32 & 3) != 0;
    if (swarm.fans_out)
        chosen = offload_settings_listeners(1 << 2, 1 << 3);
    for (size_t i = 0; i < CANDIDATES && setup.listener_count < LISTENERS_DRAWN_MAX; i++)
        if (chosen >> i & 1)
            setup.listeners[setup.listener_count++] = candidates[i];
    if (setup.listener_count == 0 || setup.listeners[0].kind != LISTEN_UDP) {
        setup.listener_count = 1;
        setup.listeners[0] = candidates[draw_below(DRAW_SETUP, 6)];
    }
    int number = 0;
    for (int pass = 0; pass < 2; pass++)
        for (size_t i = 0; i < setup.listener_count; i++)
            if ((setup.listeners[i].kind != LISTEN_UDP) == pass)
                setup.listeners[i].number = number++;
    for (size_t i = 0; i < setup.listener_count; i++)
        parse_address(&setup.listeners[i]);
}

/* There are four names (world/naming.c). */
static void draw_names(void)
{
    static const uint32_t most[] = {1, 2, 3, 100000};
    uint64_t which = draw_below(DRAW_NAMES, 4);
    setup.names_max = draw_below(DRAW_NAMES, 3) == 0 ? most[which] : 0;
    setup.has_keys = draw_below(DRAW_NAMES, 2) == 0 && setup.names_max > 0;
    setup.hello_each = draw_below(DRAW_NAMES, 2) == 0 ? 2 : 40;
    for (size_t i = 0; i < sizeof setup.names_key; i++)
        setup.names_key[i] = (uint8_t)draw(DRAW_NAMES);
}

static void draw_group(struct drawn_group *group)
{
    static const struct drawn_group groups[] = {
        {NULL, (gid_t)-1}, {"operators", 2001}, {"observers", 2002}, {"2010", 2010}};
    *group = groups[draw_below(DRAW_GROUPS, sizeof groups / sizeof groups[0])];
}

static void draw_setup(void)
{
    draw_listeners();
    setup.workers = (uint32_t)PICK(1, 1, 2, 2, 3, 4, 8);
    setup.max_datagram = (uint32_t)PICK(64, 200, 512, 2048, 2048, 9000);
    setup.receive_buffer = (uint32_t)PICK(4096, 16384, 65536, 4 << 20);
    setup.send_buffer = (uint32_t)PICK(65536, 65536, 131072, 1 << 20);
    setup.stream_max = (uint32_t)PICK(1, 3, 20, 1024);
    setup.stream_buffer = (uint32_t)PICK(4096, 16384, 262144);
    setup.stream_idle_ms = (uint32_t)PICK(1000, 10000, 60000, 600000);
    setup.clients_max = (uint32_t)PICK(1, 4, 20, 100, 1000, 10000);
    setup.waits_for_addresses = one_in(2);
    setup.has_user = one_in(3);
    setup.has_multicast = one_in(5);
    setup.multicast = (struct addr){.ip = {239, 9, 9, 9}, .family = ADDR_IPV4, .port = 4000};
    setup.multicast_zone = one_in(2) ? HOST_ETH0 : HOST_LO;
    setup.multicast_ttl = (uint32_t)PICK(0, 1, 255);
    setup.default_control = one_in(3);
    setup.control_off = one_in(40);
    setup.control_mode = (uint32_t)PICK(0600, 0660, 0777);
    setup.includes = one_in(3);
    setup.has_observers = draw_below(DRAW_OBSERVER, 3) == 0;
    draw_names();
    metrics_settings_draw();
    offload_settings_draw();
    state_settings_draw();
    setup.observer_mode = draw_below(DRAW_OBSERVER, 2) == 0 ? 0660 : 0666;
    draw_group(&setup.control_group);
    draw_group(&setup.observer_group);
    if (swarm.floods)
        setup.receive_buffer = 4096; /* and little memory for replies that wait */
}

static void draw_reply(struct settings *drawn)
{
    drawn->mode =
        (enum drawn_mode)PICK(MODE_ROTATE, MODE_ROTATE, MODE_ROTATE, MODE_ECHO, MODE_NONE);
    drawn->message_count = (unsigned)PICK(1, 2, 3, 7, 16);
    drawn->generation = ++last_generation;
}

static void draw_blocks(struct settings *drawn)
{
    static const char *const texts[] = {"203.0.113.0", "203.0.113.64", "192.0.2.0", "127.0.0.0",
                                        "2001:db8::"};
    static const unsigned lengths[] = {24, 26, 24, 8, 32};
    drawn->block_count = one_in(3) ? draw_range(DRAW_SETUP, 1, 4) : 0;
    for (size_t i = 0; i < drawn->block_count; i++) {
        size_t k = (i + drawn->block_count) % (sizeof lengths / sizeof lengths[0]);
        drawn->blocks[i] = (struct block){.bits = lengths[k], .allow = one_in(2)};
        addr_parse(&drawn->blocks[i].addr, NULL, texts[k], 0);
    }
}

/* Blocks within others, beside each other, of single addresses, up to the last address. */
static void draw_more_blocks(struct settings *drawn)
{
    static const struct {
        const char *text;
        unsigned bits;
    } more[] = {
        {"0.0.0.0", 0},
        {"203.0.0.0", 16},
        {"203.0.113.0", 25},
        {"203.0.113.128", 25},
        {"203.0.113.128", 26},
        {"203.0.113.77", 32},
        {"192.0.2.10", 31},
        {"255.255.255.255", 32},
        {"2001:db8:1::", 48},
        {"2001:db8:1:1::", 64},
        {"2001:db8:1:2::80", 121},
        {"2001:db8:1:1::42", 128},
        {"::", 0},
        {"ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", 128},
        {"::1", 128},
        {"fe80::", 10},
    };
    for (size_t i = 0; i < sizeof more / sizeof more[0]; i++) {
        if (draw_below(DRAW_SWARM, 2) == 0 || drawn->block_count == BLOCKS_DRAWN_MAX)
            continue;
        struct block *block = &drawn->blocks[drawn->block_count++];
        *block = (struct block){.bits = more[i].bits, .allow = draw_below(DRAW_SWARM, 2) == 0};
        addr_parse(&block->addr, NULL, more[i].text, 0);
    }
}

static void draw_admission(struct settings *drawn)
{
    drawn->cookie = one_in(2) || setup.has_keys;
    /* Names that are proven from the next start on need proven addresses before. */
    if (setup.has_state && setup.names_max > 0)
        drawn->cookie |= draw_below(DRAW_STATE, 2) == 0;
    draw_blocks(drawn);
    if (swarm.more_blocks)
        draw_more_blocks(drawn);
    drawn->per_prefix = (uint32_t)PICK(0, 0, 0, 1, 5, 1000);
    drawn->rate_pps = (uint32_t)PICK(0, 0, 0, 1, 5, 50, 10000);
    drawn->burst = (uint32_t)PICK(0, 1, 10, 100);
    drawn->dry_run = one_in(5);
}

static void draw_clients_and_copies(struct settings *drawn)
{
    drawn->ttl_ms = (uint32_t)PICK(50, 1000, 5000, 20000, 60000);
    drawn->sweep_ms = (uint32_t)PICK(10, 100, 1000, 1000, 5000);
    drawn->copies_pps = (uint32_t)PICK(0, 0, 0, 5, 100, 5000);
    if (settings_clients == CLIENTS_THOUSANDS && drawn->copies_pps < 5000)
        drawn->copies_pps = 0;
    drawn->queue = (uint32_t)PICK(1, 2, 64);
    if (drawn->queue > settings_queue_max)
        settings_queue_max = drawn->queue;
    drawn->relay = (enum drawn_relay)PICK(DRAWN_RELAY_OFF, DRAWN_RELAY_OFF, DRAWN_RELAY_OTHERS,
                                          DRAWN_RELAY_ALL);
    /* Each message to hundreds of clients would take too long. */
    if (settings_clients > CLIENTS_TENS)
        drawn->relay = DRAWN_RELAY_OFF;
    settings_may_relay |= drawn->relay != DRAWN_RELAY_OFF;
    drawn->relay_pps = (uint32_t)PICK(0, 1, 10);
    drawn->log_level = (unsigned)PICK(1, 2, 3);
    drawn->log_format = (unsigned)PICK(0, 1, 2);
    drawn->log_target = (unsigned)draw_below(DRAW_GROUPS, 2);
    if (swarm.cancels)
        drawn->copies_pps = 5;
    if (swarm.long_ttl)
        drawn->ttl_ms = (uint32_t)draw_range(DRAW_SWARM, 600000, 3000000);
}

void settings_draw_clients(void)
{
    uint64_t size = draw_below(DRAW_SETUP, 100);
    settings_clients = size < 60   ? CLIENTS_TENS
                       : size < 94 ? CLIENTS_HUNDRED
                       : size < 98 ? CLIENTS_HUNDREDS
                                   : CLIENTS_THOUSANDS;
}

/* The one of the run whose speed is measured. */
static void set_steady(void)
{
    setup = (struct setup){
        .listener_count = 1,
        .listeners = {{.kind = LISTEN_UDP, .text = "192.0.2.1:3000"}},
        .workers = 1,
        .clients_max = 10000,
        .max_datagram = 2048,
        .receive_buffer = 4 << 20,
        .send_buffer = 1 << 20,
        .stream_max = 1024,
        .stream_buffer = 262144,
        .stream_idle_ms = 600000,
        .control_mode = 0660,
    };
    parse_address(&setup.listeners[0]);
    settings = (struct settings){
        .message_count = 3,
        .generation = settings.generation,
        .ttl_ms = 60000,
        .sweep_ms = 1000,
        .queue = 64,
        .log_level = 2,
        .snapshot_ms = 60000,
        .state_age_ms = 3600000,
    };
    settings_queue_max = settings.queue;
}

void settings_draw(void)
{
    setup = (struct setup){.workers = 0};
    settings = (struct settings){.ttl_ms = 0};
    settings_queue_max = 0;
    swarm_draw();
    draw_setup();
    draw_reply(&settings);
    draw_admission(&settings);
    draw_clients_and_copies(&settings);
    state_settings_draw_snapshots(&settings);
    metrics_settings_draw_allow(&settings);
    state_settings_admit_churn();
    offload_settings_adapt(&settings);
    reductions_of_settings(&setup, &settings);
    if (reductions_are_steady())
        set_steady();
}

void settings_draw_next(void)
{
    struct settings drawn = settings;
    next_settings = settings;
    settings_change = true;
    if (one_in(3) && last_generation < GENERATIONS_MAX - 1)
        draw_reply(&next_settings);
    draw_admission(&drawn);
    if (one_in(4))
        next_settings.cookie = drawn.cookie;
    if (one_in(4)) {
        memcpy(next_settings.blocks, drawn.blocks, sizeof drawn.blocks);
        next_settings.block_count = drawn.block_count;
    }
    if (one_in(4))
        next_settings.per_prefix = drawn.per_prefix;
    if (one_in(4)) {
        next_settings.rate_pps = drawn.rate_pps;
        next_settings.burst = drawn.burst;
        next_settings.dry_run = drawn.dry_run;
    }
    if (one_in(2))
        draw_clients_and_copies(&next_settings);
    if (setup.has_state && draw_below(DRAW_STATE, 2) == 0)
        state_settings_draw_snapshots(&next_settings);
    if (draw_below(DRAW_METRICS, 2) == 0)
        metrics_settings_draw_allow(&next_settings);
    if (clients_count() > RELAY_CLIENTS_MAX)
        next_settings.relay = DRAWN_RELAY_OFF; /* millions of copies: half a minute */
    offload_settings_adapt(&next_settings);
    reductions_of_settings(&setup, &next_settings);
}

void settings_end_change(bool applied)
{
    settings_change = false;
    applied_count += applied;
    if (!applied)
        return;
    settings = next_settings;
    applied_ms = event_queue_now_ms();
}

void settings_taken_over(const struct settings_file *read)
{
    bool is_reloaded =
        settings_change && memcmp(&read->settings, &next_settings, sizeof next_settings) == 0;
    setup = read->setup;
    if (!is_reloaded && memcmp(&read->settings, &settings, sizeof settings) != 0) {
        next_settings = read->settings;
        settings_change = is_reloaded = true;
        model_settings_change();
    }
    if (is_reloaded) {
        if (next_settings.cookie && !settings.cookie)
            model_expire_unproven(event_queue_now_ms());
        settings_end_change(true);
    }
    applied_by_successor = applied_count;
}

bool settings_wait_for_restart(void)
{
    return swarm.changes_fixed && applied_count > applied_by_successor;
}

void settings_reset(void)
{
    applied_count = applied_by_successor = 0;
    applied_ms = 0;
    settings_queue_max = settings.queue;
}

unsigned settings_applied(void)
{
    return applied_count;
}

uint64_t settings_applied_ms(void)
{
    return applied_ms;
}

/* ---- the file ---- */

static void write_server(FILE *out)
{
    fprintf(out, "[server]\n");
    for (size_t i = 0; i < setup.listener_count; i++)
        fprintf(out, "listen = %s\n", setup.listeners[i].text);
    fprintf(out, "workers = %" PRIu32 "\nmax-datagram = %" PRIu32 "\n", setup.workers,
            setup.max_datagram);
    fprintf(out, "receive-buffer = %" PRIu32 "\nsend-buffer = %" PRIu32 "\n", setup.receive_buffer,
            setup.send_buffer);
    fprintf(out,
            "stream-max = %" PRIu32 "\nstream-buffer = %" PRIu32 "\nstream-idle = %" PRIu32 "ms\n",
            setup.stream_max, setup.stream_buffer, setup.stream_idle_ms);
    fprintf(out, "stream-framing = %s\n", setup.has_chunks ? "chunk" : "line");
    fprintf(out, "missing-address = %s\n", setup.waits_for_addresses ? "wait" : "fail");
    if (setup.has_user)
        fprintf(out, "user = nobody\ngroup = nogroup\n");
}

static void write_rest(FILE *out, const struct settings *written)
{
    static const char *const modes[] = {"rotate", "echo", "none"};
    static const char *const relays[] = {"off", "others", "all"};
    fprintf(out, "[reply]\nmode = %s\n", modes[written->mode]);
    for (unsigned i = 0; i < written->message_count; i++)
        fprintf(out, "message = R%u.%u.\n", written->generation, i);
    fprintf(out, "[clients]\nmax = %" PRIu32 "\nttl = %" PRIu32 "ms\nsweep = %" PRIu32 "ms\n",
            setup.clients_max, written->ttl_ms, written->sweep_ms);
    if (setup.names_max > 0)
        fprintf(out, "names = %s\nnames-max = %" PRIu32 "\n", setup.has_keys ? "keyed" : "trusted",
                setup.names_max);
    if (setup.has_keys)
        fprintf(out, "names-key-file = " NAMES_KEY_PATH "\n");
    fprintf(out, "[broadcast]\nrate = %" PRIu32 "\nqueue = %" PRIu32 "\nrelay = %s\n",
            written->copies_pps, written->queue, relays[written->relay]);
    fprintf(out, "relay-rate = %" PRIu32 "\n", written->relay_pps);
    if (setup.has_multicast)
        fprintf(out, "multicast = 239.9.9.9:4000\nmulticast-ttl = %" PRIu32 "\n%s",
                setup.multicast_ttl,
                setup.multicast_zone == HOST_ETH0 ? "multicast-interface = eth0\n" : "");
}

static void write_group(FILE *out, const char *key, const struct drawn_group *group)
{
    if (group->text != NULL)
        fprintf(out, "%s = %s\n", key, group->text);
}

static void write_control(FILE *out, const struct settings *written)
{
    fprintf(out, "[control]\nmode = %04" PRIo32 "\n", setup.control_mode);
    if (setup.control_off)
        fprintf(out, "socket = off\n");
    else if (!setup.default_control)
        fprintf(out, "socket = %s\n", settings_control_path());
    write_group(out, "group", &setup.control_group);
    if (setup.has_observers) {
        fprintf(out, "observer-socket = %s\nobserver-mode = %04" PRIo32 "\n",
                settings_observer_path(), setup.observer_mode);
        write_group(out, "observer-group", &setup.observer_group);
    }
    fprintf(out, "[log]\nlevel = %s\nformat = %s\ntarget = %s\n",
            settings_log_levels[written->log_level ^ (broken_is("config") ? 1 : 0)],
            settings_log_formats[written->log_format], settings_log_targets[written->log_target]);
}

static void write_admission(FILE *out, const struct settings *written)
{
    fprintf(out, "[admission]\npolicy = %s\n", written->cookie ? "cookie" : "open");
    for (size_t i = 0; i < written->block_count && !broken_is("denied"); i++) {
        char text[ADDR_TEXT_BYTES];
        addr_format(&written->blocks[i].addr, text);
        /* "1.2.3.4:0" or "[::]:0" */
        char *end = strrchr(text, ':');
        *end = '\0';
        if (text[0] == '[')
            end[-1] = '\0';
        fprintf(out, "%s = %s/%u\n", written->blocks[i].allow ? "allow" : "deny",
                text + (text[0] == '['), written->blocks[i].bits);
    }
    for (unsigned i = 0; swarm.more_blocks && i < UNUSED_BLOCKS; i++)
        fprintf(out, "deny = 10.%u.%u.0/24\n", i / 256, i % 256);
    fprintf(out,
            "per-prefix = %" PRIu32 "\nrate = %" PRIu32 "\nburst = %" PRIu32 "\ndry-run = %s\n",
            written->per_prefix, broken_is("limit") ? 0 : written->rate_pps, written->burst,
            written->dry_run ? "on" : "off");
}

/* What makes a file wrong. */
static const char *mistake(void)
{
    static const char *const others[] = {
        "[no-such-section]\nx = 1\n",
        "[clients]\nttl\n",
        "[clients\nttl = 1s\n",
        "[clients]\nttl =\n",
        "[clients]\nttl = 99999999999999999999s\n",
        "[clients]\nmax = 0\n",
        "[clients]\nmax = 1\nmax = 2\n",
        "include = conf.d/missing.conf\n",
        "include = udpsrv.conf\n",
        "include = deep/0.conf\n",
        "[server]\nlisten = 300.1.2.3:1\n",
        "[server]\nlisten = 192.0.2.1:99999\n",
        "[server]\nlisten = [2001:db8::1:3000\n",
        "[server]\nlisten = unix:relative\n",
        "[admission]\nallow = 10.0.0.0/40\n",
        "[admission]\nallow = 10.0.0.1/8\n",
        "[admission]\nallow = ::ffff:192.0.2.0/120\n",
        "[log]\nlevel = loud\n",
        "[control]\nmode = 9999\n",
        "[log]\nx1 = 1\nx2 = 1\nx3 = 1\nx4 = 1\nx5 = 1\nx6 = 1\nx7 = 1\nx8 = 1\nx9 = 1\nx10 = 1\n"
        "x11 = 1\nx12 = 1\nx13 = 1\nx14 = 1\nx15 = 1\nx16 = 1\nx17 = 1\nx18 = 1\nx19 = 1\nx20 = 1\n"
        "x21 = 1\nx22 = 1\nx23 = 1\nx24 = 1\nx25 = 1\nx26 = 1\nx27 = 1\nx28 = 1\nx29 = 1\nx30 = "
        "1\n",
    };
    return swarm.wrong_files ? others[draw_below(DRAW_SWARM, sizeof others / sizeof others[0])]
                             : "ttl = soon\nno-such-key = 1\n";
}

static char *text_of(const struct settings *written, bool main_part, bool admission, bool broken)
{
    char *text = NULL;
    size_t size;
    FILE *out = open_memstream(&text, &size);
    if (main_part) {
        write_server(out);
        write_rest(out, written);
        write_control(out, written);
        state_settings_write(out, written);
        metrics_settings_write(out, written);
        offload_settings_write(out);
    }
    if (admission)
        write_admission(out, written);
    else
        fprintf(out, "include = conf.d/*.conf\n");
    if (broken)
        fprintf(out, "%s", mistake());
    fclose(out);
    return text;
}

/* Files that include each other, deeper than is allowed. */
static void write_deep_files(void)
{
    enum { DEEP = 20 };
    for (int i = 0; i < DEEP; i++) {
        char path[32], text[32];
        snprintf(path, sizeof path, "/etc/deep/%d.conf", i);
        snprintf(text, sizeof text, "include = %d.conf\n", i + 1);
        simulated_file_write(path, text);
    }
}

static void write_names_key(void)
{
    char text[2 * sizeof setup.names_key + 2];
    size_t at = 0;
    for (size_t i = 0; i < sizeof setup.names_key; i++)
        at += (size_t)snprintf(text + at, sizeof text - at, "%02x", setup.names_key[i]);
    strcpy(text + at, "\n");
    simulated_file_write(NAMES_KEY_PATH, text);
}

void settings_write(const struct settings *written, bool broken)
{
    memcpy(&settings_file.setup, &setup, sizeof setup);
    memcpy(&settings_file.settings, written, sizeof *written);
    settings_file.is_broken = broken;
    if (setup.has_keys)
        write_names_key();
    if (swarm.wrong_files && broken)
        write_deep_files();
    char *text = text_of(written, true, !setup.includes, broken);
    simulated_file_write(SETTINGS_PATH, text);
    free(text);
    if (!setup.includes)
        return;
    text = text_of(written, false, true, false);
    simulated_file_write("/etc/conf.d/admission.conf", text);
    free(text);
}

const char *settings_control_path(void)
{
    return setup.default_control ? "/run/udpsrv/udpsrv.sock" : "/run/control.sock";
}

const char *settings_observer_path(void)
{
    return "/run/observers.sock";
}

size_t settings_block_count(const struct settings *written)
{
    return written->block_count + (swarm.more_blocks ? UNUSED_BLOCKS : 0);
}

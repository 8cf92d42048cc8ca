#include "server/config/config_reload.h"

#include "config/config_keys.h"
#include "config/exposed_listeners.h"
#include "os/log/log.h"
#include "os/loop/signals.h"
#include "server/config/state_config.h"
#include "server/workers/worker_updates.h"
#include "text/printable.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    WAITING_KEYS_MAX = 32,  /* more than there are keys that need a restart or an upgrade */
    WAITING_KEY_BYTES = 48, /* "server.receive-buffer" is one of the longest */
};

/* A reload in progress: the settings are sent to each worker, and the last reply ends the reload.
 */
struct reloading {
    config_reload_callback *done;
    void *state;
    struct config_reload_report report;
    char *restart[WAITING_KEYS_MAX], *upgrade[WAITING_KEYS_MAX];
    char waiting[WAITING_KEYS_MAX][WAITING_KEY_BYTES]; /* what these point to */
    struct worker_settings settings;
    struct effective_config **in_use,
        *effective; /* the server's, and what replaces it at the end */
    struct subscriptions *subscriptions;
    struct reply *replaced; /* to be released when no worker uses it; NULL if it was kept */
    struct access_list *replaced_acl; /* to be freed when no worker uses it */
    struct access_list *metrics_allow;
    size_t pending; /* workers that have not replied */
    struct reload_step {
        struct worker_call call;
        struct reloading *reloading;
    } steps[];
};

static void note_waiting(void *state, const struct config_key *key)
{
    struct reloading *reloading = state;
    struct config_reload_report *report = &reloading->report;
    size_t i = report->restart_count + report->upgrade_count;
    if (i == WAITING_KEYS_MAX)
        return;
    snprintf(reloading->waiting[i], WAITING_KEY_BYTES, "%s.%s", key->section, key->name);
    if (key->upgrade)
        report->upgrade[report->upgrade_count++] = reloading->waiting[i];
    else
        report->restart[report->restart_count++] = reloading->waiting[i];
}

static void log_waiting(const struct config_reload_report *report)
{
    for (size_t i = 0; i < report->restart_count; i++)
        log_event(LOG_LEVEL_WARNING, "a changed key needs a restart", "key", report->restart[i],
                  "reason", "it is read only at the start", "advice", "restart udpsrv", NULL);
    for (size_t i = 0; i < report->upgrade_count; i++)
        log_event(LOG_LEVEL_WARNING, "a changed key needs an upgrade", "key", report->upgrade[i],
                  "reason", "it is read only at the start", "advice",
                  "run `udpctl upgrade`, or restart udpsrv", NULL);
}

static void end_reload(struct reloading *reloading)
{
    log_waiting(&reloading->report);
    log_event(LOG_LEVEL_INFO, "reloaded", NULL);
    effective_config_release(*reloading->in_use);
    *reloading->in_use = reloading->effective;
    subscriptions_publish(reloading->subscriptions, EVENT_RELOADED, "restart=%zu",
                          reloading->report.restart_count + reloading->report.upgrade_count);
    reloading->done(reloading->state, &reloading->report);
    reply_rotation_release(reloading->replaced);
    access_list_free(reloading->replaced_acl);
    free(reloading);
}

static void run_apply(struct worker_call *call)
{
    worker_apply(call->worker, &((struct reload_step *)call)->reloading->settings);
}

static void on_applied(struct worker_call *call)
{
    struct reloading *reloading = ((struct reload_step *)call)->reloading;
    if (--reloading->pending == 0)
        end_reload(reloading);
}

/* Chooses the reply: if it has not changed, the one in use stays, with its position in the
 * rotation. Returns false if memory is short. */
static bool choose_reply(struct reloading *reloading, const struct config_reload_context *target,
                         const struct config *config)
{
    struct reply **in_use = target->reply;
    struct reply *new_reply =
        reply_rotation_new(config->reply.mode, config->reply.messages, config->reply.message_count);
    if (new_reply == NULL)
        return false;
    if (reply_rotation_equal(*in_use, new_reply)) {
        reply_rotation_release(new_reply);
    } else {
        kernel_offload_add_reply(target->offload, new_reply);
        reloading->replaced = *in_use;
        *in_use = new_reply;
    }
    reloading->settings.reply = *in_use;
    return true;
}

/* Replaces the rules and the reply in use by those of the configuration, both or neither. Returns
 * false if memory is short. */
static bool choose_settings(struct reloading *reloading, const struct config_reload_context *target,
                            const struct config *config)
{
    struct admission_rules rules;
    if (admission_updates_rules(target->admission, config, &rules) != 0)
        return false;
    if (!choose_reply(reloading, target, config)) {
        access_list_free(rules.acl);
        return false;
    }
    reloading->replaced_acl = target->rules->acl;
    *target->rules = reloading->settings.rules = rules;
    return true;
}

static struct reloading *prepare(const struct config_reload_context *target,
                                 const struct config *config, config_reload_callback *done,
                                 void *state)
{
    struct reloading *made = calloc(1, sizeof *made + target->worker_count * sizeof made->steps[0]);
    if (made == NULL)
        return NULL;
    made->subscriptions = target->subscriptions;
    made->done = done;
    made->state = state;
    made->report = (struct config_reload_report){
        .applied = true,
        .file = target->options->config_path,
        .restart = made->restart,
        .upgrade = made->upgrade,
    };
    made->settings = (struct worker_settings){
        .ttl_ms = config->clients.ttl_ms,
        .sweep_ms = config->clients.sweep_ms,
        .rate_pps = config->broadcast.rate_pps,
        .relay = config->broadcast.relay,
        .relay_rate_pps = config->broadcast.relay_rate_pps,
    };
    made->in_use = target->effective;
    made->effective = effective_config_new(target->started);
    if (made->effective != NULL &&
        config_for_each_restart_key(target->started, config, note_waiting, made) &&
        metrics_server_make_allow(&config->metrics.allow, &made->metrics_allow) == 0 &&
        choose_settings(made, target, config))
        return made;
    effective_config_release(made->effective);
    access_list_free(made->metrics_allow);
    free(made);
    return NULL;
}

/* Takes the configuration over. */
static void apply(const struct config_reload_context *target, struct reloading *reloading,
                  struct config *config)
{
    effective_config_set_loaded(reloading->effective, config);
    log_setup("udpsrv", config->log.level, config->log.format, config->log.target);
    jobs_set_queue(target->jobs, config->broadcast.queue);
    state_snapshots_set_interval(target->snapshots, config->state.interval_ms);
    control_socket_set_sweep(target->control, config->clients.sweep_ms);
    control_socket_set_sweep(target->observers, config->clients.sweep_ms);
    metrics_server_set_allow(target->metrics, reloading->metrics_allow);
    state_config_warn_of_interval(config);
    reloading->pending = target->worker_count;
    for (size_t i = 0; i < target->worker_count; i++) {
        struct reload_step *step = &reloading->steps[i];
        step->reloading = reloading;
        step->call.run = run_apply;
        step->call.done = on_applied;
        worker_post(target->workers[i], &step->call, target->reply_mailbox);
    }
}

/* The sockets stay open until a restart, even if the new file does not listen there. Without this
 * check, a file with neither would leave them open to any source. Returns what is missing, or NULL.
 */
static const char *find_missing(const struct config *started, const struct config *config)
{
    size_t first;
    if (config->admission.policy == POLICY_UNSET && exposed_listeners_count(started, &first) > 0)
        return "admission.policy is missing, and until an upgrade or a restart other hosts can "
               "reach the listening sockets: set it, or upgrade";
    if (config->metrics.allow.count == 0 && exposed_listeners_has_metrics(started))
        return "metrics.allow is missing, and until an upgrade or a restart other hosts can "
               "reach the metrics: set it, or upgrade";
    return NULL;
}

static void refuse(char **problems, size_t count, const char *advice, config_reload_callback *done,
                   void *state)
{
    for (size_t i = 0; i < count; i++)
        log_event(LOG_LEVEL_ERROR, "cannot reload: the old configuration stays in effect", "reason",
                  problems[i], "advice", advice, NULL);
    const struct config_reload_report report = {.problems = problems, .problem_count = count};
    done(state, &report);
}

/* Refuses with one problem that has no line in a file. */
static void refuse_one(const char *text, const char *advice, config_reload_callback *done,
                       void *state)
{
    char problem[512];
    snprintf(problem, sizeof problem, "%s", text);
    refuse(&(char *){problem}, 1, advice, done, state);
}

/* Reading a pipe again would block until it is written to, or read an empty configuration. */
static void refuse_once(const char *path, config_reload_callback *done, void *state)
{
    char shown[256], text[512];
    printable_ascii(shown, sizeof shown, path, strlen(path));
    snprintf(text, sizeof text,
             "%s was a pipe, a terminal or a socket, which is read only once: its configuration "
             "stays until a restart",
             shown);
    refuse_one(text, "restart udpsrv, with -c and a file if you want to reload", done, state);
}

static bool signals_wait(const void *state)
{
    return loop_signals_are_pending(state);
}

static int read_again(const struct config_reload_context *target,
                      struct config_files_result *result)
{
    const struct server_options *options = target->options;
    const struct config_files_mode mode = {.is_cancelled = signals_wait,
                                           .state = target->end_signals};
    int error = config_files_read_in_mode(result, options->config_path, options->overrides,
                                          options->override_count, &mode);
    /* Applying it takes time, too: a signal is checked once more. */
    if (error != 0 || !loop_signals_are_pending(target->end_signals))
        return error;
    config_files_free(result);
    return -ECANCELED;
}

void config_reload(const struct config_reload_context *target, config_reload_callback *done,
                   void *state)
{
    static const char correct[] = "correct it, and reload again";
    struct config_files_result result;
    struct reloading *reloading = NULL;
    if (target->once) {
        refuse_once(target->options->config_path, done, state);
        return;
    }
    int error = read_again(target, &result);
    const char *missing = error == 0 ? find_missing(target->started, result.config) : NULL;
    if (error == 0 && missing == NULL)
        reloading = prepare(target, result.config, done, state);
    if (reloading != NULL) {
        apply(target, reloading, result.config);
        result.config = NULL;
    } else if (error == -ECANCELED) {
        refuse_one("the server is stopping", "start it again", done, state);
    } else if (result.error_count > 0) {
        refuse(result.errors, result.error_count, correct, done, state);
    } else if (missing != NULL) {
        refuse_one(missing, correct, done, state);
    } else {
        refuse_one("out of memory", "free some memory, and reload again", done, state);
    }
    config_files_free(&result);
}

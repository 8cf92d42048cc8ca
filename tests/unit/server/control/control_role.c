/* The settings of the control socket and of the observers' socket. */
#include "server/control/control_role.h"

#include "config/config_defaults.h"

#include <criterion/criterion.h>
#include <string.h>

TestSuite(control_role);

Test(control_role, operators_have_a_built_in_path_and_observers_have_no_socket)
{
    struct config *config = config_defaults();
    struct control_settings operators = control_role_settings(&CONTROL_OPERATORS, config);
    struct control_settings observers = control_role_settings(&CONTROL_OBSERVERS, config);
    cr_expect_null(operators.path);
    cr_expect_str_eq(observers.path, CONFIG_CONTROL_OFF);
    cr_expect_eq(operators.mode, 0660);
    cr_expect_eq(observers.mode, 0660);
    cr_expect_null(operators.group);
    cr_expect_null(observers.group);
    config_free(config);
}

Test(control_role, each_role_has_keys_of_its_own)
{
    struct config *config = config_defaults();
    config->control.socket = strdup("/run/a");
    config->control.group = strdup("operators");
    config->control.mode = 0600;
    config->control.observer_socket = strdup("/run/b");
    config->control.observer_group = strdup("observers");
    config->control.observer_mode = 0666;
    struct control_settings operators = control_role_settings(&CONTROL_OPERATORS, config);
    struct control_settings observers = control_role_settings(&CONTROL_OBSERVERS, config);
    cr_expect_str_eq(operators.path, "/run/a");
    cr_expect_str_eq(operators.group, "operators");
    cr_expect_eq(operators.mode, 0600);
    cr_expect_str_eq(observers.path, "/run/b");
    cr_expect_str_eq(observers.group, "observers");
    cr_expect_eq(observers.mode, 0666);
    config_free(config);
}

Test(control_role, observers_do_not_share_a_limit_of_the_log_with_operators)
{
    const enum log_kind operators[] = {CONTROL_OPERATORS.kind_shortage,
                                       CONTROL_OPERATORS.kind_denied, CONTROL_OPERATORS.kind_lost,
                                       CONTROL_OPERATORS.kind_restored};
    const enum log_kind observers[] = {CONTROL_OBSERVERS.kind_shortage,
                                       CONTROL_OBSERVERS.kind_denied, CONTROL_OBSERVERS.kind_lost,
                                       CONTROL_OBSERVERS.kind_restored};
    for (size_t i = 0; i < 4; i++)
        for (size_t k = 0; k < 4; k++)
            cr_expect_neq(operators[i], observers[k]);
}

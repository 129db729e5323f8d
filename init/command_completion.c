#include <stdio.h>
#include <string.h>

#include "init/command.h"

static const char *const engines[] = {"redis", "postgres"};

/* How a command's words are completed: engines and the words of "bash|zsh"; PATH and DIR are files.
 */

static bool is_word_list(const char *operands)
{
    return strspn(operands, "abcdefghijklmnopqrstuvwxyz|") == strlen(operands);
}

/* The words of OPERANDS ("bash|zsh") with spaces between. */
static void print_operands(const struct command *command)
{
    for (const char *at = is_word_list(command->operands) ? command->operands : ""; *at != '\0';
         at++)
        printf("%c", *at == '|' ? ' ' : *at);
}

static bool knows(const struct command *command, const struct setting_info *info)
{
    return info->flag != NULL && (info->commands & command->bit) != 0;
}

/* A flag that is written plainly only where its engine is named. */
static bool hangs_on_engine(const struct command *command, const struct setting_info *info)
{
    return command->engines[0] != '\0' && info->engine[0] != '\0';
}

/* "--port" where the command names the engine, "--redis-port" where it does not. */
static void print_flag(const struct command *command, const struct setting_info *info)
{
    bool prefix = command->engines[0] == '\0' && info->engine[0] != '\0';
    printf("--%s%s%s", prefix ? info->engine : "", prefix ? "-" : "", info->flag);
}

static bool is_place(const struct setting_info *info)
{
    return info->value != NULL &&
           (strcmp(info->value, "PATH") == 0 || strcmp(info->value, "DIR") == 0);
}

static void print_bash_values(void)
{
    for (size_t i = 0; i < settings_count(); i++) {
        const struct setting_info *info = settings_info(i);
        if (info->flag == NULL || (info->words == NULL && !is_place(info)))
            continue;
        const char *engine = info->engine;
        printf("    --%s", info->flag);
        if (engine[0] != '\0')
            printf(" | --%s-%s", engine, info->flag);
        if (info->words == NULL) {
            printf(") mapfile -t COMPREPLY < <(compgen -f -- \"$cur\"); return ;;\n");
            continue;
        }
        printf(") words='");
        for (size_t word = 0; info->words[word] != NULL; word++)
            printf("%s%s", word == 0 ? "" : " ", info->words[word]);
        printf("' ;;\n");
    }
}

static void print_bash_flags(const struct command *command, const char *engine)
{
    for (size_t i = 0; i < settings_count(); i++) {
        const struct setting_info *info = settings_info(i);
        bool plain = !hangs_on_engine(command, info);
        if (knows(command, info) && (*engine == '\0' ? plain : strcmp(info->engine, engine) == 0)) {
            printf(" ");
            print_flag(command, info);
        }
    }
}

static void print_bash_command(const struct command *command)
{
    printf("        %s) words='%s ", command->name, command->engines);
    print_operands(command);
    print_bash_flags(command, "");
    printf(" --help'");
    if (command->engines[0] != '\0') {
        printf("\n            case \" ${COMP_WORDS[*]} \" in\n");
        for (size_t i = 0; i < sizeof engines / sizeof *engines; i++) {
            printf("            *' %s '*) words+='", engines[i]);
            print_bash_flags(command, engines[i]);
            printf("' ;;\n");
        }
        printf("            esac");
    }
    printf(" ;;\n");
}

static void print_bash(void)
{
    printf("# bash completion for ordain; made by: ordain completion bash\n"
           "_ordain() {\n"
           "    local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD - 1]} words= i\n"
           "    COMPREPLY=()\n"
           "    # bash takes '--flag=value' apart at the '='\n"
           "    if [[ $cur == = ]]; then\n"
           "        cur=\n"
           "    elif [[ $prev == = ]]; then\n"
           "        prev=${COMP_WORDS[COMP_CWORD - 2]}\n"
           "    fi\n"
           "    for ((i = 1; i < COMP_CWORD; i++)); do\n"
           "        if [[ ${COMP_WORDS[i]} == -- ]]; then\n"
           "            mapfile -t COMPREPLY < <(compgen -c -- \"$cur\")\n"
           "            return\n"
           "        fi\n"
           "    done\n"
           "    case $prev in\n");
    print_bash_values();
    printf("    esac\n"
           "    if [[ -z $words && $COMP_CWORD -eq 1 ]]; then\n"
           "        words='");
    for (const struct command *command = commands; command->name != NULL; command++)
        printf("%s ", command->name);
    printf("help --help --version --man'\n"
           "    elif [[ -z $words ]]; then\n"
           "        case ${COMP_WORDS[1]} in\n"
           "        help) words='");
    for (const struct command *command = commands; command->name != NULL; command++)
        printf("%s ", command->name);
    printf("' ;;\n");
    for (const struct command *command = commands; command->name != NULL; command++)
        print_bash_command(command);
    printf("        esac\n"
           "    fi\n"
           "    mapfile -t COMPREPLY < <(compgen -W \"$words\" -- \"$cur\")\n"
           "}\n"
           "complete -o bashdefault -F _ordain ordain\n");
}

/* TEXT within single quotes and within the brackets or colons of _arguments. */
static void print_zsh_text(const char *text)
{
    for (; *text != '\0'; text++)
        if (*text == '\'')
            printf("'\\''");
        else if (strchr("[]:\\", *text) != NULL)
            printf("\\%c", *text);
        else
            printf("%c", *text);
}

static void print_zsh_setting(const struct command *command, const struct setting_info *info)
{
    printf("            '");
    print_flag(command, info);
    printf("%s[", info->value != NULL ? "=" : "");
    print_zsh_text(info->help);
    printf("]");
    if (info->value != NULL) {
        printf(":");
        print_zsh_text(info->value);
        printf(":");
    }
    for (size_t i = 0; info->words != NULL && info->words[i] != NULL; i++)
        printf("%s%s%s", i == 0 ? "(" : " ", info->words[i], info->words[i + 1] == NULL ? ")" : "");
    printf("%s' \\\n", is_place(info) ? "_files" : "");
}

static void print_zsh_settings(const struct command *command, const char *engine)
{
    for (size_t i = 0; i < settings_count(); i++) {
        const struct setting_info *info = settings_info(i);
        bool plain = !hangs_on_engine(command, info);
        if (knows(command, info) && (*engine == '\0' ? plain : strcmp(info->engine, engine) == 0))
            print_zsh_setting(command, info);
    }
}

static void print_zsh_engines(const struct command *command)
{
    printf("        engine=()\n        case \" $words \" in\n");
    for (size_t i = 0; i < sizeof engines / sizeof *engines; i++) {
        printf("        *' %s '*) engine=( \\\n", engines[i]);
        print_zsh_settings(command, engines[i]);
        printf("            ) ;;\n");
    }
    printf("        esac\n");
}

static void print_zsh(void)
{
    printf("#compdef ordain\n"
           "# zsh completion for ordain; made by: ordain completion zsh\n"
           "_ordain() {\n"
           "    local -a found engine\n"
           "    if (( CURRENT == 2 )) || [[ $words[2] == help ]]; then\n"
           "        found=(\n");
    for (const struct command *command = commands; command->name != NULL; command++) {
        printf("            '%s:", command->name);
        print_zsh_text(command->summary);
        printf("'\n");
    }
    printf("            'help:says more of one command'\n"
           "        )\n"
           "        _describe command found\n"
           "        return\n"
           "    fi\n"
           "    shift words\n"
           "    (( CURRENT-- ))\n"
           "    case $words[1] in\n");
    for (const struct command *command = commands; command->name != NULL; command++) {
        printf("    %s)\n", command->name);
        if (command->engines[0] != '\0')
            print_zsh_engines(command);
        printf("        _arguments %s\\\n", command->engines[0] != '\0' ? "$engine " : "");
        print_zsh_settings(command, "");
        if (command->engines[0] != '\0' || is_word_list(command->operands)) {
            printf("            '*:what:(%s ", command->engines);
            print_operands(command);
            printf(")' \\\n");
        } else {
            printf("            '*:path:_files' \\\n");
        }
        printf("            '--help[says more of the command]' ;;\n");
    }
    printf("    esac\n"
           "}\n"
           "if [[ ${funcstack[1]} == _ordain ]]; then\n"
           "    _ordain \"$@\"\n"
           "else\n"
           "    compdef _ordain ordain\n"
           "fi\n");
}

bool command_completion(const struct invocation *inv, int *status, struct err *err)
{
    (void)status;
    const char *shell = inv->argc == 1 ? inv->argv[0] : "";
    if (strcmp(shell, "bash") == 0) {
        print_bash();
    } else if (strcmp(shell, "zsh") == 0) {
        print_zsh();
    } else {
        return err_set(err, ERR_USAGE,
                       "'ordain completion' needs the name of one shell: bash or zsh");
    }
    return true;
}

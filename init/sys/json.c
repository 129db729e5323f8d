#include "init/sys/json.h"

#include <cJSON.h>
#include <stdlib.h>
#include <string.h>

#include "init/sys/json_syntax.h"

/* cJSON 1.7.18 prints a number with 15 digits where these differ from it by no more than the epsilon
 * of a double: whole numbers below this one come back as they were. */
#define EXACT_END 1e15

/* struct json is cJSON's own node: nothing is wrapped, nothing has to be freed apart. */
static struct json *ours(cJSON *node)
{
    return (struct json *)node;
}

static cJSON *theirs(const struct json *value)
{
    return (cJSON *)value;
}

static const char no_memory[] = "out of memory";

static int compare_keys(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* NULL, or the problem with the keys of OBJECT. */
static const char *keys_problem(const cJSON *object)
{
    size_t count = (size_t)cJSON_GetArraySize(object);
    if (count < 2)
        return NULL;
    const char **keys = calloc(count, sizeof *keys);
    if (keys == NULL)
        return no_memory;
    size_t filled = 0;
    const cJSON *member;
    cJSON_ArrayForEach(member, object) keys[filled++] = member->string;
    qsort(keys, count, sizeof *keys, compare_keys);
    const char *problem = NULL;
    for (size_t i = 1; i < count && problem == NULL; i++)
        if (strcmp(keys[i - 1], keys[i]) == 0)
            problem = "an object has a key twice";
    free(keys);
    return problem;
}

/* NULL, or what in NODE could not be told back. As deep as JSON_DEPTH_MAX. */
static const char *node_problem(const cJSON *node)
{
    if (cJSON_IsNumber(node)) {
        bool exact = node->valuedouble > -EXACT_END && node->valuedouble < EXACT_END;
        return exact ? NULL : "a number is too large";
    }
    const char *problem = cJSON_IsObject(node) ? keys_problem(node) : NULL;
    const cJSON *child;
    cJSON_ArrayForEach(child, node)
    {
        if (problem != NULL)
            break;
        problem = node_problem(child);
    }
    return problem;
}

bool json_parse(struct json **value, const char *text, size_t len, struct err *err)
{
    size_t place = 0;
    const char *problem = json_syntax_problem(text, len, &place);
    if (problem != NULL)
        return err_set(err, ERR_CONFIG, "it is no JSON: %s at byte %zu", problem, place);
    const char *end = NULL;
    cJSON *tree = cJSON_ParseWithLengthOpts(text, len, &end, 0);
    problem = tree == NULL ? no_memory : node_problem(tree); /* cJSON refuses nothing else then */
    if (problem == NULL) {
        *value = ours(tree);
        return true;
    }
    cJSON_Delete(tree);
    enum err_kind kind = problem == no_memory ? ERR_IO : ERR_CONFIG;
    return err_set(err, kind, "its JSON cannot be used: %s", problem);
}

void json_free(struct json *value)
{
    cJSON_Delete(theirs(value));
}

enum json_kind json_kind(const struct json *value)
{
    if (value == NULL)
        return JSON_ABSENT;
    switch (theirs(value)->type & 0xFF) {
    case cJSON_False:
    case cJSON_True:
        return JSON_BOOL;
    case cJSON_Number:
        return JSON_NUMBER;
    case cJSON_String:
        return JSON_TEXT;
    case cJSON_Array:
        return JSON_ARRAY;
    case cJSON_Object:
        return JSON_OBJECT;
    default:
        return JSON_NULL;
    }
}

struct json *json_member(const struct json *object, const char *key)
{
    if (json_kind(object) != JSON_OBJECT)
        return NULL;
    return ours(cJSON_GetObjectItemCaseSensitive(theirs(object), key));
}

struct json *json_first(const struct json *value)
{
    return value != NULL ? ours(theirs(value)->child) : NULL;
}

struct json *json_next(const struct json *value)
{
    return value != NULL ? ours(theirs(value)->next) : NULL;
}

const char *json_key(const struct json *value)
{
    return value != NULL ? theirs(value)->string : NULL;
}

const char *json_text(const struct json *value)
{
    return cJSON_GetStringValue(theirs(value));
}

bool json_u64(const struct json *value, uint64_t *number)
{
    if (json_kind(value) != JSON_NUMBER)
        return false;
    double there = theirs(value)->valuedouble;
    if (there < 0 || there != (double)(uint64_t)there)
        return false;
    *number = (uint64_t)there;
    return true;
}

bool json_is_true(const struct json *value)
{
    return cJSON_IsTrue(theirs(value));
}

struct json *json_object(void)
{
    return ours(cJSON_CreateObject());
}

struct json *json_array(void)
{
    return ours(cJSON_CreateArray());
}

bool json_set(struct json *object, const char *key, struct json *child)
{
    cJSON *node = theirs(child);
    cJSON *old = cJSON_GetObjectItemCaseSensitive(theirs(object), key);
    bool done = old != NULL ? cJSON_ReplaceItemInObjectCaseSensitive(theirs(object), key, node)
                            : cJSON_AddItemToObject(theirs(object), key, node);
    if (!done)
        cJSON_Delete(node);
    return done;
}

bool json_set_text(struct json *object, const char *key, const char *text)
{
    return json_set(object, key, ours(cJSON_CreateString(text)));
}

bool json_set_number(struct json *object, const char *key, double number)
{
    return json_set(object, key, ours(cJSON_CreateNumber(number)));
}

bool json_set_bool(struct json *object, const char *key, bool value)
{
    return json_set(object, key, ours(cJSON_CreateBool(value)));
}

bool json_add(struct json *array, struct json *child)
{
    bool done = cJSON_AddItemToArray(theirs(array), theirs(child));
    if (!done)
        cJSON_Delete(theirs(child));
    return done;
}

bool json_add_text(struct json *array, const char *text)
{
    return json_add(array, ours(cJSON_CreateString(text)));
}

bool json_print(const struct json *value, bool indented, struct buf *out)
{
    char *text = indented ? cJSON_Print(theirs(value)) : cJSON_PrintUnformatted(theirs(value));
    if (text == NULL)
        return false;
    buf_add_text(out, text);
    cJSON_free(text);
    return true;
}

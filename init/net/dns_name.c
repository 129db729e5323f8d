#include "init/net/dns_name.h"

#include <stddef.h>
#include <string.h>

#define LABEL_MAX 63
#define NAME_MAX_BYTES 253

static const char *label_fault(const char *text, size_t len)
{
    if (len == 0)
        return "has an empty label";
    if (len > LABEL_MAX)
        return "is longer than 63 bytes";
    for (size_t i = 0; i < len; i++) {
        char c = text[i];
        if (c >= 'A' && c <= 'Z')
            return "has an upper-case letter";
        if (!((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-'))
            return "has a character other than a-z, 0-9 and '-'";
    }
    if (text[0] == '-' || text[len - 1] == '-')
        return "begins or ends with '-'";
    return NULL;
}

const char *dns_name_label_fault(const char *text)
{
    return text[0] == '\0' ? "is empty" : label_fault(text, strlen(text));
}

const char *dns_name_fault(const char *text)
{
    const char *fault = text[0] == '\0' ? "is empty" : NULL;
    if (strlen(text) > NAME_MAX_BYTES)
        return "is longer than 253 bytes";
    while (fault == NULL) {
        size_t len = strcspn(text, ".");
        fault = label_fault(text, len);
        if (text[len] == '\0')
            break;
        text += len + 1;
    }
    return fault;
}

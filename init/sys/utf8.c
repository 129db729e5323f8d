#include "init/sys/utf8.h"

size_t utf8_length(const char *at, size_t len)
{
    const unsigned char *byte = (const unsigned char *)at;
    unsigned char low = 0x80;
    unsigned char high = 0xBF;
    size_t length;
    if (len == 0) {
        return 0;
    } else if (byte[0] < 0x80) {
        return 1;
    } else if (byte[0] >= 0xC2 && byte[0] <= 0xDF) {
        length = 2;
    } else if (byte[0] >= 0xE0 && byte[0] <= 0xEF) {
        length = 3;
        low = byte[0] == 0xE0 ? 0xA0 : low;
        high = byte[0] == 0xED ? 0x9F : high;
    } else if (byte[0] >= 0xF0 && byte[0] <= 0xF4) {
        length = 4;
        low = byte[0] == 0xF0 ? 0x90 : low;
        high = byte[0] == 0xF4 ? 0x8F : high;
    } else {
        return 0;
    }
    if (length > len || byte[1] < low || byte[1] > high)
        return 0;
    for (size_t i = 2; i < length; i++)
        if (byte[i] < 0x80 || byte[i] > 0xBF)
            return 0;
    return length;
}

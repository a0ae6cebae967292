# cmake -DINPUT=file -DOUTPUT=file.inc -P EmbedFile.cmake: writes the bytes of a
# file as a list of numbers that C++ includes between braces.
file(READ "${INPUT}" bytes HEX)
string(REGEX REPLACE "(................................)" "\\1\n" bytes "${bytes}")
string(REGEX REPLACE "([0-9a-f][0-9a-f])" "0x\\1," bytes "${bytes}")
get_filename_component(folder "${OUTPUT}" DIRECTORY)
file(MAKE_DIRECTORY "${folder}")
file(WRITE "${OUTPUT}" "${bytes}\n")

# Writes the text of files into a C array of strings.
#
# usage: cmake -D OUT=FILE -D NAME=ARRAY -P embed.cmake FILE...
set(entries "")
set(after_script FALSE)
math(EXPR last "${CMAKE_ARGC} - 1")
foreach(index RANGE ${last})
	set(argument "${CMAKE_ARGV${index}}")
	if(after_script)
		file(READ "${argument}" text)
		string(REPLACE "\\" "\\\\" text "${text}")
		string(REPLACE "\"" "\\\"" text "${text}")
		string(REPLACE "\n" "\\n\"\n\t\"" text "${text}")
		string(APPEND entries "\t\"${text}\",\n")
	elseif(argument MATCHES "embed\\.cmake$")
		set(after_script TRUE)
	endif()
endforeach()
file(WRITE "${OUT}" "extern const char *const ${NAME}[];\n\n"
	"const char *const ${NAME}[] = {\n${entries}\t0\n};\n")

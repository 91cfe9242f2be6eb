# Completion of evpopctl for bash.  evpopctl itself knows the words; a line
# ":files" asks for names of files as well.
_evpopctl()
{
	local line word
	COMPREPLY=()
	while IFS= read -r line; do
		if [[ $line == :files ]]; then
			compopt -o default
		else
			printf -v word '%q' "${line%%$'\t'*}"
			COMPREPLY+=("$word")
		fi
	done < <("${COMP_WORDS[0]}" completion words -- \
		"${COMP_WORDS[@]:1:COMP_CWORD}" 2>/dev/null)
}
complete -F _evpopctl evpopctl

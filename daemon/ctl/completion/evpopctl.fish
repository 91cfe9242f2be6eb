# Completion of evpopctl for fish.  evpopctl itself knows the words; a line
# ":files" asks for names of files as well.
function __evpopctl_words
	set -l line (commandline -opc) (commandline -ct)
	for word in ($line[1] completion words -- $line[2..-1] 2>/dev/null)
		if test "$word" = :files
			__fish_complete_path (commandline -ct)
		else
			echo $word
		end
	end
end
complete -c evpopctl -f -a '(__evpopctl_words)'

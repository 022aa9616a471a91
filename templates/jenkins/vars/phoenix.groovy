// What every step of this library does: one call of phoenix, whose result and report Jenkins keeps.
//
// Needs no plugin but Pipeline, JUnit and the git plugin, and no approval of a script: the result is archived as it is,
// and only the id of its run is read out of it.
import com.cloudbees.groovy.cps.NonCPS

/**
 * Call phoenix with these words, --json and --junit.
 *
 * `name`: of the report's files. `held`: whether exit code 8 (it waits for a person) is no failure.
 * Gives [code: its exit code, run: the id of its run or null]. Every other code but 0 fails the build. A report that
 * Jenkins cannot take makes the build unstable, and changes nothing of that: a roll that holds is asked about all the same.
 */
Map run(String name, List words, boolean held = false) {
    String directory = 'phoenix-reports'
    String file = fileName([name])
    String json = "${directory}/${file}.json"
    String xml = "${directory}/${file}.xml"
    int code
    try {
        // `exec`: phoenix takes the shell's place, so that Jenkins' abort reaches it and its exit code is the step's.
        code = sh(
            label: "phoenix ${words.take(3).join(' ')}",
            returnStatus: true,
            script: "mkdir -p ${directory} && rm -f ${json} ${xml} && " +
                "exec phoenix ${quoted(words)} --json --junit ${xml} > ${json}"
        )
    } finally {
        catchError(message: 'its report could not be kept', buildResult: 'UNSTABLE', stageResult: 'UNSTABLE',
            catchInterruptions: false) {
            junit(testResults: xml, allowEmptyResults: true, skipPublishingChecks: true)
            archiveArtifacts(artifacts: "${json},${xml}", allowEmptyArchive: true)
        }
    }
    String result = fileExists(json) ? readFile(json) : ''
    if (code != 0 && !(held && code == 8)) {
        error("phoenix ${words.take(3).join(' ')} ended with ${code}: ${brief(result)}")
    }
    return [code: code, run: runOf(result)]
}

/** The reason for the record: what was said, else which build it is. */
String because(String why) {
    return why ?: (env.BUILD_URL ?: env.BUILD_TAG ?: '')
}

/**
 * A word that a command cannot do without. One that is missing would be the word 'null', and one that begins with - an
 * option: `--replace` in the place of a file, say, where a parameter of the build stands for it.
 */
String word(String what, Object value) {
    String text = value == null ? '' : value.toString()
    if (!text || text.startsWith('-')) {
        error("phoenix is given '${text}' as ${what}: it needs one, and none begins with -")
    }
    return text
}

/** The words of an option for each value: a list, one value, or nothing. */
@NonCPS
List option(String name, Object values) {
    List all = values == null || values == '' ? [] : values instanceof Collection ? new ArrayList(values) : [values]
    List words = []
    for (value in all) {
        words.add(name)
        words.add(value.toString())
    }
    return words
}

/** Exact packages: a map of names and versions. */
@NonCPS
List packages(Map versions) {
    List words = []
    for (each in (versions ?: [:]).entrySet()) {
        words.add('--package')
        words.add(each.key.toString() + '=' + each.value.toString())
    }
    return words
}

/** The words for a shell: whatever stands in them stays one word each. */
@NonCPS
String quoted(List words) {
    List safe = []
    for (word in words) {
        safe.add("'" + word.toString().replace("'", "'\\''") + "'")
    }
    return safe.join(' ')
}

/** A name for files: of what phoenix is asked to do. */
@NonCPS
String fileName(List words) {
    List known = []
    for (word in words) {
        if (word) {
            known.add(word.toString().replaceAll('[^A-Za-z0-9._-]', '-'))
        }
    }
    return known.join('-')
}

@NonCPS
private String runOf(String result) {
    def found = result =~ /"run": *(?:\{"id": *)?"([a-z]+-[0-9]+-[0-9]+-[0-9a-z]+)"/
    return found.find() ? found.group(1) : null
}

@NonCPS
private String brief(String result) {
    def found = result =~ /"brief": *"((?:[^"\\]|\\.)*)"/
    return found.find() ? found.group(1) : 'see its output above'
}

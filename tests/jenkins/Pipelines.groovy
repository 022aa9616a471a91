// Runs pipelines with JenkinsPipelineUnit, as stdin asks for; what they called stands on stdout (tests/support/real/pipelines.py).
//
// The one JSON object on stdin: parsed (texts that have to be Groovy), shared (the library: a directory with vars/), roots (where
// pipelines lie) and plays, each with
//   name, file    the pipeline; `declarative` where its blocks are to be called, which JenkinsPipelineUnit does not know
//   env           variables of the build
//   directory     where its shell lines are run for real; else `answers` ends them: [[part of a line, exit code, result]]
//   people        what is answered to each `input`, in turn: Promote or Abort
//   failing       steps of Jenkins' own that fail
import com.lesfurets.jenkins.unit.BasePipelineTest
import com.lesfurets.jenkins.unit.global.lib.LibraryConfiguration
import com.lesfurets.jenkins.unit.global.lib.SourceRetriever
import groovy.json.JsonOutput
import groovy.json.JsonSlurperClassic
import org.codehaus.groovy.control.CompilationUnit
import org.codehaus.groovy.control.Phases

class Stopped extends RuntimeException {  // stands for FlowInterruptedException
    Stopped(String why) { super(why) }
}

class Variables {  // what `environment` sets
    Map all

    @Override
    Object getProperty(String name) { name == 'env' ? this.@all : this.@all[name] }

    @Override
    void setProperty(String name, Object value) { this.@all[name] = value.toString() }
}

class PassedOver extends RuntimeException {}  // a stage whose `when` is not true

class Play extends BasePipelineTest {
    Map about
    String status
    File library
    List calls = []
    List people = []
    Map files = [:]

    Map run() {
        super.setUp()
        people = about.people ?: []
        helper.registerSharedLibrary(LibraryConfiguration.library().name('phoenix').defaultVersion('main')
            .allowOverride(false).implicit(false).targetPath('unused')
            .retriever({ a, b, c -> [library.toURI().toURL()] } as SourceRetriever).build())
        binding.setVariable('env', new TreeMap(about.env ?: [:]))
        binding.setVariable('scm', 'the repository')
        steps()
        if (about.declarative) {
            declarative()
        }
        String message = ''
        status = 'SUCCESS'
        PrintStream out = System.out
        try {
            System.setOut(System.err)
            runScript(about.file as String)
        } catch (Stopped stopped) {
            (status, message) = ['ABORTED', stopped.message]
        } catch (Throwable failed) {
            (status, message) = ['FAILURE', failed.toString()]
        } finally {
            System.setOut(out)
        }
        return [status: status, message: message, calls: calls, env: binding.getVariable('env')]
    }

    void note(String step, Object about = null) {
        calls.add([step: step, about: about])
    }

    void steps() {
        helper.registerAllowedMethod('sh', [Map], { Map how -> shell(how) })
        helper.registerAllowedMethod('sh', [String], { String line -> shell(script: line) })
        helper.registerAllowedMethod('fileExists', [String], { String name -> read(name) != null })
        helper.registerAllowedMethod('readFile', [String], { String name -> read(name) })
        helper.registerAllowedMethod('junit', [Map], { Map how -> report(how) })
        helper.registerAllowedMethod('archiveArtifacts', [Map], { Map how -> note('archiveArtifacts', how) })
        helper.registerAllowedMethod('checkout', [Object], { what -> note('checkout', what) })
        helper.registerAllowedMethod('node', [String, Closure], { String label, Closure body -> note('node', label); body() })
        helper.registerAllowedMethod('stage', [String, Closure], { String name, Closure body -> stage(name, body) })
        helper.registerAllowedMethod('timeout', [Map, Closure], { Map how, Closure body -> note('timeout', how); body() })
        helper.registerAllowedMethod('error', [String], { String why -> note('error', why); throw new IllegalStateException(why) })
        helper.registerAllowedMethod('catchError', [Map, Closure], { Map how, Closure body -> caught(how, body) })
        helper.registerAllowedMethod('input', [Map], { Map how -> answer(how) })
    }

    void declarative() {
        ['pipeline', 'options', 'triggers', 'stages', 'steps', 'script'].each { block ->
            helper.registerAllowedMethod(block, [Closure], { Closure body -> body() })
        }
        helper.registerAllowedMethod('agent', [Object], { what -> what instanceof Closure ? what() : note('agent', what) })
        helper.registerAllowedMethod('label', [String], { String name -> note('agent', name) })
        helper.registerAllowedMethod('environment', [Closure], { Closure body -> variables(body) })
        helper.registerAllowedMethod('when', [Closure], { Closure body -> body() })
        helper.registerAllowedMethod('beforeAgent', [Boolean], { flag -> null })
        helper.registerAllowedMethod('expression', [Closure], { Closure body -> if (!body()) { throw new PassedOver() } })
        ['disableConcurrentBuilds', 'timestamps', 'githubPush'].each { option ->
            helper.registerAllowedMethod(option, [], { note(option) })
        }
        helper.registerAllowedMethod('buildDiscarder', [Object], { what -> note('buildDiscarder') })
        helper.registerAllowedMethod('logRotator', [Map], { Map how -> 'kept' })
        helper.registerAllowedMethod('cron', [String], { String spec -> note('cron', spec) })
        helper.registerAllowedMethod('timeout', [Map], { Map how -> note('timeout', how) })
        binding.setVariable('none', 'none')
    }

    private void variables(Closure body) {
        Variables set = new Variables()
        set.@all = binding.getVariable('env') as Map
        body.delegate = set
        body.resolveStrategy = Closure.DELEGATE_FIRST
        body()
    }

    private void stage(String name, Closure body) {
        try {
            body()
        } catch (PassedOver over) {
            note('passed over', name)
        }
    }

    private void caught(Map how, Closure body) {
        try {
            body()
        } catch (Stopped stopped) {
            assert how.catchInterruptions == false : 'else an abort would go on with the next'
            throw stopped
        } catch (IllegalStateException failed) {
            note('catchError', how.message as String)
            status = how.buildResult ?: 'FAILURE'
        }
    }

    private void report(Map how) {
        note('junit', how)
        if ('junit' in about.failing) {
            throw new IllegalStateException('no report of it can be read')
        }
    }

    private void answer(Map how) {
        note('input', how)
        String said = people ? people.remove(0) : 'nobody'
        if (said != how.ok) {
            throw new Stopped("${said} at: ${how.message}")
        }
    }

    private Object shell(Map how) {
        note('sh', how)
        Map ended = about.directory ? really(how.script as String) : asTold(how.script as String)
        calls.last().code = ended.code
        if (how.returnStatus) {
            return ended.code
        }
        if (ended.code != 0) {
            throw new IllegalStateException("script returned exit code ${ended.code}")
        }
        return null
    }

    private Map really(String line) {
        ProcessBuilder builder = new ProcessBuilder('sh', '-xe', '-c', line)
        builder.directory(new File(about.directory as String))
        builder.redirectErrorStream(true)
        builder.environment().putAll((binding.getVariable('env') as Map).collectEntries { [it.key as String, it.value as String] })
        Process process = builder.start()
        process.outputStream.close()
        String said = process.inputStream.getText('UTF-8')
        Map ended = [code: process.waitFor()]
        calls.last().said = said
        return ended
    }

    private Map asTold(String line) {
        List known = (about.answers ?: []).find { line.contains(it[0] as String) } as List
        def into = line =~ / > (\S+)$/
        if (known && into.find()) {
            files[into.group(1)] = known.size() > 2 ? known[2] : '{"ok": true}'
        }
        return [code: known ? known[1] : 0]
    }

    private String read(String name) {
        if (about.directory) {
            File file = new File(about.directory as String, name)
            return file.isFile() ? file.getText('UTF-8') : null
        }
        return files[name]
    }
}

Map asked = new JsonSlurperClassic().parse(new InputStreamReader(System.in, 'UTF-8')) as Map
for (text in asked.parsed) {
    CompilationUnit unit = new CompilationUnit()
    unit.addSource('parsed', text as String)
    unit.compile(Phases.CONVERSION)
}
Map played = [:]
for (about in asked.plays) {
    Play play = new Play(about: about as Map, library: new File(asked.shared as String))
    play.scriptRoots = (asked.roots as List) as String[]
    played[about.name] = play.run()
}
println(JsonOutput.toJson(played))

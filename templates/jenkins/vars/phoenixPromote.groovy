// phoenixPromote(run: env.HELD, ask: 'Give hello 1.0.12 traffic?', label: 'phoenix')
//
// Without `ask` the held run goes on at once; it may hold again (code 8). With it a person is asked first, also about
// each further hold: "Promote" goes on; "Abort", the end of `hours` (default 24) and whoever stops the build go back
// (`phoenix abort`), and the build ends as aborted. `label`: takes an agent for the commands alone, so that none waits
// for the person; `commit`: what is checked out there, for meanwhile others push, and hooks that have changed refuse to go on.
// Also: submitter (who may answer), why.
Map call(Map how) {
    phoenix.word('run', how.run)  // before a person is asked
    while (true) {
        if (how.ask) {
            asked(how)
        }
        Map done = [:]
        on(how) {
            done = phoenix.run("promote-${how.run}", ['promote', how.run] + because(how), true)
        }
        if (done.code != 8 || !how.ask) {
            return done
        }
    }
}

private void asked(Map how) {
    try {
        timeout(time: (how.hours ?: 24) as int, unit: 'HOURS') {
            input(message: how.ask, ok: 'Promote', submitter: how.submitter ?: '')
        }
    } catch (stopped) {
        on(how) {
            phoenix.run("abort-${how.run}", ['abort', how.run] + because(how))
        }
        throw stopped
    }
}

private List because(Map how) {
    return phoenix.option('--why', phoenix.because(how.why))
}

private void on(Map how, Closure body) {
    if (how.label) {
        node(how.label) {
            checkout(scm)
            if (how.commit) {
                String commit = phoenix.quoted([phoenix.word('commit', how.commit)])
                // one that is gone (a forced push) keeps nobody from an abort; phoenix itself compares what counts
                String line = "git checkout --quiet --detach ${commit}"
                if (sh(label: "git checkout ${how.commit}", returnStatus: true, script: line) != 0) {
                    echo "the commit ${how.commit} is gone: going on with what is checked out"
                }
            }
            body()
        }
    } else {
        body()
    }
}

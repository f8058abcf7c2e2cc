//! Who wins, and whether anything can change it.

use super::pairing::Router;
use super::sessions::is_with_a_node;
use super::{Findings, Member};
use crate::diagnostic::Severity::{Error, Warning};
use crate::model::{TrackedKind, VrrpInstance, WantedState};

pub(super) fn election(router: &Router<'_>, findings: &mut Findings<'_>) {
    let members = &router.members;
    if members.len() < 2 {
        return;
    }
    owners(members, findings);
    equal(members, findings);
    states(members, findings);
    weights(members, findings);
}

fn is_owner(member: &&Member<'_>) -> bool {
    member.instance.priority == vrrp_proto::Priority::OWNER
}

fn owners(members: &[Member<'_>], findings: &mut Findings<'_>) {
    let owners: Vec<Member<'_>> = members.iter().filter(is_owner).copied().collect();
    if owners.len() < 2 {
        return;
    }
    let deaf = owners.iter();
    let deaf = deaf.filter(|member| member.instance.owner_ignore_adverts);
    let deaf = deaf.count();
    findings.add(
        Error,
        "owners",
        &owners,
        [
            format!(
                "`{}` has priority 255 on {} nodes",
                owners[0].instance.name.value,
                owners.len()
            ),
            if deaf > 1 {
                "only one can own the addresses; those with `owner_ignore_adverts` are masters at the \
                same time"
                    .to_owned()
            } else {
                "only one can own the addresses; each becomes master as if it did, and all but one \
                yield, as a rule to the greatest source address"
                    .to_owned()
            },
            "give all nodes but one a priority from 1 to 254".to_owned(),
        ],
    );
}

fn equal(members: &[Member<'_>], findings: &mut Findings<'_>) {
    for (position, member) in members.iter().enumerate() {
        let same: Vec<Member<'_>> = members
            .iter()
            .skip(position)
            .filter(|other| other.instance.priority == member.instance.priority)
            .filter(|other| !is_owner(other))
            .copied()
            .collect();
        let said_already = members
            .iter()
            .take(position)
            .any(|earlier| earlier.instance.priority == member.instance.priority);
        if same.len() < 2 || said_already {
            continue;
        }
        findings.add(
            Warning,
            "priority-equal",
            &same,
            [
                format!(
                    "`{}` has priority {} on {} nodes",
                    member.instance.name.value,
                    member.instance.priority.get(),
                    same.len()
                ),
                "they may become master at the same moment; then the greater source address wins"
                    .to_owned(),
                "give each node a priority of its own".to_owned(),
            ],
        );
    }
}

fn states(members: &[Member<'_>], findings: &mut Findings<'_>) {
    let masters: Vec<Member<'_>> = members
        .iter()
        .filter(|member| member.instance.wanted == WantedState::Master && !is_owner(member))
        .copied()
        .collect();
    if let [only] = masters.as_slice() {
        misplaced(only, members, findings);
        return;
    }
    if masters.is_empty() {
        return;
    }
    findings.add(
        Warning,
        "state-master",
        &masters,
        [
            format!(
                "`{}` has `state MASTER` on {} \
            nodes",
                masters[0].instance.name.value,
                masters.len()
            ),
            "it does not decide who is master, but `nopreempt` and `preempt_delay` have no \
            effect beside it"
                .to_owned(),
            "keep `state MASTER` on the node of the highest priority, or on none".to_owned(),
        ],
    );
}

/// `state MASTER` where another node wins the election.
fn misplaced(master: &Member<'_>, members: &[Member<'_>], findings: &mut Findings<'_>) {
    // While nothing has failed, whatever the numbers in files say.
    let beats = |other: &&Member<'_>| {
        other.instance.priority > master.instance.priority
            && range(other.instance).0 > range(master.instance).0
    };
    let Some(better) = members.iter().find(beats) else {
        return;
    };
    let (here, there) = (
        findings.node(master).to_owned(),
        findings.node(better).to_owned(),
    );
    findings.add(
        Warning,
        "state-misplaced",
        &[*master, *better],
        [
            format!(
                "`{}` has `state MASTER` on {here}, and the higher priority on {there}",
                master.instance.name.value
            ),
            format!(
                "{there} is master all the same, as only an owner (priority 255) starts as one; \
                `nopreempt` and `preempt_delay` have no effect on {here}"
            ),
            format!("put `state MASTER` on {there}, or give {here} the highest priority"),
        ],
    );
}

/// The highest and the lowest effective priority that the weights of an instance allow.
pub(super) fn range(instance: &VrrpInstance) -> (i32, i32) {
    let base = i32::from(instance.priority.get());
    if base == 255 {
        return (base, base);
    }
    let (mut highest, mut lowest) = (base, base);
    for (least, most) in weighted(instance) {
        highest += most;
        lowest += least;
    }
    (highest.clamp(1, 254), lowest.clamp(1, 254))
}

/// The number in a file may be anything.
const ANY_NUMBER: i32 = 254;

/// The least and the most that each thing tracked by weight adds to the priority.
fn weighted(instance: &VrrpInstance) -> impl Iterator<Item = (i32, i32)> + '_ {
    let interfaces = instance.tracked_interfaces.iter();
    let interfaces = interfaces.map(|tracked| (tracked.weight, tracked.reverse));
    let sessions = instance.tracked_bfd.iter();
    let sessions = sessions.map(|tracked| (tracked.weight, tracked.reverse));
    let (files, others) = instance
        .tracked
        .iter()
        .partition::<Vec<_>, _>(|tracked| tracked.kind == TrackedKind::File);
    let others = others.into_iter();
    let others = others.map(|tracked| (tracked.weight.value, tracked.weight.reverse));
    let files = files.into_iter();
    let files = files.filter(|tracked| tracked.weight.value != 0);
    interfaces
        .chain(sessions)
        .chain(others)
        .filter(|(weight, _)| *weight != 0)
        .map(|(weight, reverse)| {
            // Positive counts while it is good, negative while it is bad; `reverse` negates it.
            let amount = if reverse {
                -i32::from(weight)
            } else {
                i32::from(weight)
            };
            (amount.min(0), amount.max(0))
        })
        .chain(files.map(|_| (-ANY_NUMBER, ANY_NUMBER)))
}

/// Whether some failure of its own takes priority from an instance. A BFD session with another node is
/// no such thing: it is tracked, with a weight of no matter, to notice sooner that the master is gone.
pub(super) fn weighs_failures(member: &Member<'_>, findings: &Findings<'_>) -> bool {
    let instance = member.instance;
    let of_sessions = instance.tracked_bfd.iter().filter(|one| one.weight != 0);
    let others = weighted(instance).count() - of_sessions.clone().count();
    if others > 0 {
        return true;
    }
    let mut sessions = of_sessions;
    sessions.any(|one| !is_with_a_node(member, &one.name.value, findings))
}

fn weights(members: &[Member<'_>], findings: &mut Findings<'_>) {
    let Some(best) = members.iter().max_by_key(|member| range(member.instance).0) else {
        return;
    };
    if !weighs_failures(best, findings) {
        return;
    }
    let others = members.iter().filter(|member| member.node != best.node);
    let Some(next) = others.max_by_key(|member| range(member.instance).0) else {
        return;
    };
    let (worst, rival) = (range(best.instance).1, range(next.instance).0);
    if worst < rival {
        return;
    }
    let (here, there) = (
        findings.node(best).to_owned(),
        findings.node(next).to_owned(),
    );
    findings.add(
        Warning,
        "weights-too-small",
        &[*best, *next],
        [
            format!(
                "whatever `{}` tracks by weight, it has priority {worst} or more on {here}, and {rival} or less on \
                {there}",
                best.instance.name.value
            ),
            "nothing that counts by weight can move the addresses away".to_owned(),
            format!(
                "{} more of weight, negative on {here} or positive on {there}; or base priorities closer together",
                worst - rival + 1
            ),
        ],
    );
}

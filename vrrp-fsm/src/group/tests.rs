use super::*;

const ALL: [Standing; 7] = [
    Standing::Out,
    Standing::Unable,
    Standing::Held,
    Standing::Waiting,
    Standing::Joining,
    Standing::Ready,
    Standing::Active,
];

fn tally(standings: &[Standing]) -> Tally {
    let mut tally = Tally::default();
    for standing in standings {
        tally.add(*standing);
    }
    tally
}

/// KA-G-01, KA-G-02, KA-G-03, KA-G-04, KA-G-05.
#[test]
fn the_moves_are_those_of_the_table() {
    use Standing::{Active, Held, Joining, Out, Ready, Unable, Waiting};
    for (standings, held, expected) in [
        (&[Active, Active][..], 0, None),
        (&[Active, Unable], 0, Some(Move::Hold)),
        (&[Waiting, Unable], 0, Some(Move::Hold)),
        (&[Held, Unable], 0, Some(Move::Hold)),
        (&[Held, Unable], 1, None),
        (&[Unable, Unable], 0, None),
        (&[Held, Held], 2, Some(Move::Enter)),
        (&[Waiting, Held], 0, Some(Move::Enter)),
        (&[Active, Held], 0, Some(Move::Enter)),
        (&[Waiting, Ready], 0, None),
        (&[Ready, Ready], 0, Some(Move::Promote)),
        (&[Ready, Out], 0, None),
        (&[Active, Out], 0, None),
        (&[Active, Waiting], 0, Some(Move::Demote)),
        (&[Active, Waiting, Ready], 0, Some(Move::Demote)),
        (&[Active, Joining], 0, None),
        (&[Active, Ready], 0, Some(Move::Promote)),
        (&[Active, Joining, Ready], 0, Some(Move::Promote)),
        (&[Joining, Ready], 0, None),
        (&[Out, Out], 0, None),
        (&[Held, Out], 0, Some(Move::Hold)),
        (&[Held, Out], 1, None),
        (&[Active, Held, Out], 0, Some(Move::Enter)),
        (&[], 0, None),
    ] {
        assert_eq!(decide(&tally(standings), held), expected, "{standings:?}");
    }
}

/// What a move does to a member, for the next test.
fn after(step: Move, standing: Standing) -> Standing {
    use Standing::{Active, Held, Joining, Out, Ready, Unable, Waiting};
    match (step, standing) {
        (_, Out) => Out,
        (_, Unable) => Unable,
        (Move::Hold, _) => Held,
        (Move::Enter, Held) => Waiting,
        (Move::Demote, Active | Joining) => Waiting,
        (Move::Promote, Ready) => Active,
        (Move::Enter | Move::Demote | Move::Promote, _) => standing,
    }
}

/// KA-G-01 to KA-G-05: three moves are enough from anywhere, and nobody waits for nobody.
#[test]
fn from_anywhere_the_members_come_to_agree() {
    for a in ALL {
        for b in ALL {
            for c in ALL {
                let mut members = [a, b, c];
                let mut held = 0;
                for _ in 0..3 {
                    let Some(step) = decide(&tally(&members), held) else {
                        break;
                    };
                    members = members.map(|standing| after(step, standing));
                    held = if step == Move::Hold {
                        tally(&members).count(Standing::Held)
                    } else {
                        0
                    };
                }
                let tally = tally(&members);
                assert_eq!(decide(&tally, held), None, "{a:?} {b:?} {c:?}");
                let mixed = tally.any(Standing::Active) && tally.any(Standing::Waiting);
                assert!(!mixed, "{a:?} {b:?} {c:?} end as {members:?}");
                let blocked = tally.any(Standing::Unable) || tally.any(Standing::Out);
                let stuck = !blocked && tally.any(Standing::Held);
                assert!(!stuck, "{a:?} {b:?} {c:?} end as {members:?}");
            }
        }
    }
}

//! Figures as people write them: bytes, spans of time, percentages.

/// Bytes in the unit that leaves one to three digits before the point: `1.9 GiB`, `512 MiB`.
pub(crate) fn bytes(bytes: u64) -> String {
    let mut value = bytes as f64;
    for unit in ["B", "KiB", "MiB", "GiB", "TiB"] {
        if value < 1000.0 {
            let digits = usize::from(value < 10.0 && unit != "B");
            return format!("{value:.digits$} {unit}");
        }
        value /= 1024.0;
    }
    format!("{value:.0} PiB")
}

/// A span of time in its largest unit: `40 s`, `3 min`, `5 h`, `14 d`.
pub(crate) fn span(seconds: u64) -> String {
    match seconds {
        0..120 => format!("{seconds} s"),
        120..7_200 => format!("{} min", seconds / 60),
        7_200..172_800 => format!("{} h", seconds / 3_600),
        _ => format!("{} d", seconds / 86_400),
    }
}

/// A percentage without a point. What is not all is not written as 100, what is not nothing not as 0.
pub(crate) fn percent(value: f64) -> String {
    let rounded = value.round();
    let shown = if rounded >= 100.0 && value < 100.0 {
        99.0
    } else if rounded <= 0.0 && value > 0.0 {
        1.0
    } else {
        rounded
    };
    format!("{shown:.0} %")
}

/// `1 zombie`, `2 zombies`.
pub(crate) fn count(number: impl Into<u64>, one: &str, many: &str) -> String {
    let number = number.into();
    format!("{number} {}", if number == 1 { one } else { many })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_read_as_people_write_them() {
        assert_eq!(
            [bytes(0), bytes(2_040_109_465), bytes(512 << 20)],
            ["0 B", "1.9 GiB", "512 MiB"]
        );
        assert_eq!(bytes(u64::MAX), "16384 PiB");
        assert_eq!(
            [span(40), span(180), span(7_200), span(1_209_600)],
            ["40 s", "3 min", "2 h", "14 d"]
        );
        assert_eq!(
            [percent(99.7), percent(100.0), percent(0.2), percent(91.2)],
            ["99 %", "100 %", "1 %", "91 %"]
        );
    }
}

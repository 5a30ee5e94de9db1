# Completions of otactl for PowerShell. They ask the program at each TAB.

Register-ArgumentCompleter -Native -CommandName otactl -ScriptBlock {
    param($word, $ast, $cursor)

    if (-not (Get-Command -Name 'otactl' -CommandType Application -ErrorAction Ignore)) {
        return
    }
    $words = @($ast.CommandElements | Where-Object { $_.Extent.EndOffset -lt $cursor } | ForEach-Object {
        if ($_ -is [System.Management.Automation.Language.StringConstantExpressionAst]) { $_.Value } else { $_.Extent.Text }
    })
    $before = $env:COMPLETE
    $env:COMPLETE = 'powershell'
    try {
        # Some versions do not pass an empty word on: `=` precedes the last one.
        $reply = @(& 'otactl' -- @words "=$word" 2>$null)
    } catch {
        $reply = @()
    } finally {
        $env:COMPLETE = $before
    }
    # Without a result, PowerShell completes to files.
    $reply | Select-Object -Skip 1 | ForEach-Object {
        $value, $help = $_ -split "`t", 2
        if (-not $help) { $help = $value }
        [System.Management.Automation.CompletionResult]::new($value, $value, 'ParameterValue', $help)
    }
}
